// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that graphs move: outputs of a frame, attributes as rows, into blocks that the kernels take. For
// networks that have no kernel.
#pragma once

#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/graph_chain.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/pack.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::deform {

class GraphOutputs {
 public:
  /// Of the `deform` entries without a network. `rest` and what is behind `chain` must outlive it. Throws
  /// OUT_OF_BUDGET, and PLAN_UNSUPPORTED where a graph colours only some Gaussians.
  GraphOutputs(const plan::Plan& plan, const gaussian::Splats& rest, const nn::ChainInstance& chain,
               device::Budget& budget);

  /// What the chain's last run made of them. `strength` scales how far means move from where they rest.
  void take(float strength, Executor& executor);
  [[nodiscard]] bool any() const noexcept { return !entries_.empty(); }
  /// `rest` where no graph moves anything.
  [[nodiscard]] const gaussian::Splats& splats() const noexcept { return splats_; }

 private:
  struct Entry {
    int first_block;
    gaussian::Shapes rows;            // outputs, and what does not move
    const float* colors;              // [count, 3] or null
    std::vector<device::Buffer> own;  // rows that do not move
  };

  void make_room(device::Budget& budget);
  void keep_neighbours(const Entry& entry);

  gaussian::Splats rest_, splats_;
  std::vector<Entry> entries_;
  device::Buffer means_, frames_, opacities_, sh_;
};

}  // namespace talkrt::deform
