// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/src/device/cuda_device.hpp"
#include "engine/src/render/cuda_batch.hpp"

namespace talkrt::render {

/// What models and sessions draw with where an engine has a GPU.
struct Gpu {
  const device::CudaDevice& device;
  CudaBatch& batch;
};

}  // namespace talkrt::render
