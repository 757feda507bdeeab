// SPDX-License-Identifier: Apache-2.0
//
// One session's pose of an avatar: what a rig needs for a frame, and which Gaussians differ from the frame
// before. The rig is shared; nothing is posed here unless somebody asks for the posed arrays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/src/deform/rig.hpp"
#include "engine/src/device/budget.hpp"
#include "engine/src/plan/manifest.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::deform {

class Deformer {
 public:
  /// `rig` and `spec` must outlive it. Starts with all channels at 0.
  Deformer(const Rig& rig, const plan::Gaussian& spec, device::Budget& budget);

  /// Takes the next frame's channel values, in the rig's order.
  void set(std::span<const float> channels);

  [[nodiscard]] const gaussian::RigView& rig() const noexcept { return rig_->view(); }
  [[nodiscard]] gaussian::Pose pose() const noexcept { return {weights_.data(), matrices_.data()}; }
  /// Against the pose before the last set(); valid until the next.
  [[nodiscard]] const gaussian::Changes& changes() const noexcept { return changes_; }

  /// The Gaussians in this pose, valid until the next call. The first one takes the memory and may throw
  /// OUT_OF_BUDGET.
  const gaussian::Splats& posed(Executor& executor);

 private:
  void find_changes();
  void make_room();

  const Rig* rig_;
  const plan::Gaussian* spec_;
  device::Budget* budget_;
  std::vector<float> weights_, matrices_;  // of this pose
  std::vector<float> weights_before_, matrices_before_;
  std::vector<std::uint8_t> moving_;  // [shapes] 1: its weight changed
  std::vector<std::uint32_t> changed_blocks_;
  gaussian::Changes changes_;
  device::Buffer means_, frames_, opacities_, sh_;
  gaussian::PosedSplats out_;
  gaussian::Splats posed_;
};

}  // namespace talkrt::deform
