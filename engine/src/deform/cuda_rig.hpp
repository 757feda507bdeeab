// SPDX-License-Identifier: Apache-2.0
//
// The arrays of a rig, or of a cloud that nothing poses, in a GPU's memory: once per model, shared by its
// sessions, immutable.
#pragma once

#include <cstdint>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/deform.hpp"

namespace talkrt::deform {

class CudaRig {
 public:
  /// Copies what `rig` points at; without joints only its `rest`. Throws OUT_OF_BUDGET, OUT_OF_MEMORY,
  /// DEVICE_LOST.
  CudaRig(const gaussian::RigView& rig, const device::CudaDevice& gpu, device::Budget& budget);

  /// What the constructor takes of the GPU's memory for the Gaussians of a plan, and with `posed` for its
  /// rig.
  [[nodiscard]] static std::uint64_t bytes(const plan::Plan& plan, bool posed);

  /// Pointers into the GPU's memory.
  [[nodiscard]] const gaussian::RigView& view() const noexcept { return view_; }

 private:
  gaussian::RigView view_;
  device::Buffer memory_;
};

}  // namespace talkrt::deform
