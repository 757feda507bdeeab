// SPDX-License-Identifier: Apache-2.0
//
// One session's Gaussians of an avatar that networks move: kernels where a network is one, graphs elsewhere.
#pragma once

#include <vector>

#include "engine/src/deform/graph_outputs.hpp"
#include "engine/src/deform/networks.hpp"
#include "kernels/gaussian/movement.hpp"

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

  /// Whether a graph moves any, so that splats() are not those at rest.
  [[nodiscard]] bool by_graphs() const noexcept { return outputs_.any(); }
  /// Gaussians that movement() still has to move.
  [[nodiscard]] const gaussian::Splats& splats() const noexcept { return outputs_.splats(); }
  [[nodiscard]] gaussian::Movement movement() const noexcept {
    return {networks_->layered().data(),   layered_.data(),   static_cast<int>(layered_.size()),
            networks_->attending().data(), attending_.data(), static_cast<int>(attending_.size())};
  }
  /// Moved, valid until the next call. The first one takes the memory and may throw OUT_OF_BUDGET.
  const gaussian::Splats& posed(Executor& executor);

 private:
  /// What the chain makes for a network, and what the network hears of it.
  struct Mix {
    std::span<const float> made;
    std::span<float> kept, between;  // at the departure; on the way from there
    const float* heard;

    void hear(float share);
  };

  void take_memory();

  device::Budget* budget_;
  GraphOutputs outputs_;
  const Networks* networks_;
  std::vector<gaussian::NetworkInput> layered_;
  std::vector<gaussian::AttentionInput> attending_;
  std::vector<Mix> layered_mixes_, attending_mixes_;
  std::vector<std::span<float>> hides_;  // of those that attend
  device::Buffer mixes_;
  device::Buffer means_, frames_, opacities_, sh_;
  gaussian::Splats posed_;
};

}  // namespace talkrt::deform
