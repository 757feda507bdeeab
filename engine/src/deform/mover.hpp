// SPDX-License-Identifier: Apache-2.0
//
// One session's Gaussians of an avatar that networks move: kernels where a network is one, graphs elsewhere.
#pragma once

#include <vector>

#include "engine/src/deform/graph_outputs.hpp"
#include "engine/src/deform/networks.hpp"

namespace talkrt::deform {

class Mover {
 public:
  /// All that it is made from must outlive it.
  Mover(const plan::Plan& plan, const gaussian::Splats& rest, const Networks& networks,
        const nn::ChainInstance& chain, device::Budget& budget);

  /// Takes what the chain's last run made; `strength` scales how far Gaussians move from where they rest.
  /// With `share` below 1, networks hear only that much of it, and for the rest what depart() kept.
  void take(float strength, float share, Executor& executor);
  /// Keeps what networks hear now, to be left little by little.
  void depart();

  /// Gaussians that movement() still has to move.
  [[nodiscard]] const gaussian::Splats& splats() const noexcept { return outputs_.splats(); }
  [[nodiscard]] gaussian::Movement movement() const noexcept {
    return {networks_.data(), inputs_.data(), static_cast<int>(networks_.size())};
  }
  /// Moved, valid until the next call. The first one takes the memory and may throw OUT_OF_BUDGET.
  const gaussian::Splats& posed(Executor& executor);

 private:
  device::Budget* budget_;
  GraphOutputs outputs_;
  std::span<const gaussian::PointNetwork> networks_;
  std::vector<gaussian::NetworkInput> inputs_;
  struct Mix {
    std::span<const float> made;   // by the chain
    std::span<float> kept, heard;  // at the departure; between the two
  };
  std::vector<Mix> mixes_;  // one for each input
  device::Buffer between_;
  device::Buffer means_, frames_;
  gaussian::Splats posed_;
};

}  // namespace talkrt::deform
