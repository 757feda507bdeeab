// SPDX-License-Identifier: Apache-2.0
//
// The Gaussians of a plan as the kernels take them: blocks of 16, and a frame for each instead of a
// quaternion and three scales. Owns its arrays; immutable, shared by sessions.
#pragma once

#include <cstdint>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::deform {

class Cloud {
 public:
  /// What the constructor takes of the host's memory.
  [[nodiscard]] static std::uint64_t bytes(const plan::Plan& plan);

  /// The plan reader has validated every tensor that this reads. Throws OUT_OF_BUDGET.
  Cloud(const plan::Plan& plan, device::Budget& budget);

  [[nodiscard]] const gaussian::Splats& splats() const noexcept { return splats_; }

 private:
  device::Buffer means_, frames_, opacities_, sh_, layers_;
  gaussian::Splats splats_;
};

}  // namespace talkrt::deform
