// SPDX-License-Identifier: Apache-2.0
//
// An avatar as the kernels take it: its Gaussians at rest, and the sparse bases re-indexed from
// the plan's order by shape to an order by block. Owns its arrays; immutable, shared by sessions.
#pragma once

#include "engine/src/deform/cloud.hpp"
#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/deform.hpp"

namespace talkrt::deform {

class Rig {
 public:
  /// What the constructor takes of the host's memory beside its Cloud.
  [[nodiscard]] static std::uint64_t bytes(const plan::Plan& plan);

  /// The plan reader has validated every tensor that this reads. Throws OUT_OF_BUDGET.
  Rig(const plan::Plan& plan, device::Budget& budget);

  [[nodiscard]] const gaussian::RigView& view() const noexcept { return view_; }
  /// Bit j: joint j moves more than half of the blocks.
  [[nodiscard]] unsigned main_joints() const noexcept { return main_joints_; }
  [[nodiscard]] int blocks() const noexcept { return gaussian::blocks_of(view_.rest.count); }

 private:
  void load_bases(const plan::Plan& plan, device::Budget& budget);
  void load_joints(const plan::Plan& plan, device::Budget& budget);

  Cloud cloud_;
  device::Buffer block_entries_, entry_shapes_, deltas_, joint_weights_, joint_masks_;
  gaussian::RigView view_;
  unsigned main_joints_ = 0;
};

}  // namespace talkrt::deform
