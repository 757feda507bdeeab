// SPDX-License-Identifier: Apache-2.0
//
// The arrays of a rig, or of a cloud that nothing poses, in a GPU's memory: once per model, shared by its
// sessions, immutable.
#pragma once

#include <cstdint>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"
#include "kernels/gaussian/deform.hpp"

namespace talkrt::deform {

class CudaRig {
 public:
  /// Copies what `rig` points at; without joints only its `rest`. Throws OUT_OF_BUDGET, OUT_OF_MEMORY,
  /// DEVICE_LOST.
  CudaRig(const gaussian::RigView& rig, const device::CudaDevice& gpu, device::Budget& budget);

  /// Throws as the constructor of a rig of so many Gaussians would for lack of memory, and takes nothing: for
  /// refusing a plan before the host has built what the GPU has no room for.
  static void require_room(std::int64_t gaussians, int sh_degree, device::Budget& budget);

  /// Pointers into the GPU's memory.
  [[nodiscard]] const gaussian::RigView& view() const noexcept { return view_; }

 private:
  gaussian::RigView view_;
  device::Buffer memory_;
};

}  // namespace talkrt::deform
