// SPDX-License-Identifier: Apache-2.0
//
// One session's posed copy of an avatar. Owns the posed arrays; the rig is shared. The CUDA twin of the
// kernel will take the same views with device pointers.
#pragma once

#include <span>
#include <vector>

#include "engine/src/deform/rig.hpp"
#include "engine/src/device/budget.hpp"
#include "engine/src/plan/manifest.hpp"
#include "kernels/executor.hpp"

namespace talkrt::deform {

class Deformer {
 public:
  /// `rig` and `spec` must outlive it.
  Deformer(const Rig& rig, const plan::Gaussian& spec, device::Budget& budget);

  /// Channel values in the rig's order to posed splats, valid until the next call.
  const gaussian::Splats& pose(std::span<const float> channels, Executor& executor);

 private:
  const Rig* rig_;
  const plan::Gaussian* spec_;
  device::Buffer means_, frames_, opacities_, sh_;
  std::vector<float> weights_, matrices_;
  gaussian::PosedSplats out_;
  gaussian::Splats posed_;
};

}  // namespace talkrt::deform
