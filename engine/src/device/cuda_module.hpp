// SPDX-License-Identifier: Apache-2.0
//
// Opens libtalkrt_cuda.so and asks it for a device. Nothing of CUDA is linked: without the module, a driver
// or a GPU this is a sentence that says which of them is missing.
#pragma once

#include <optional>
#include <string>

#include "engine/cuda/module.hpp"

namespace talkrt::device {

struct CudaModule {
  const cuda::Module* table = nullptr;  // null: the module could not be opened
  std::string path;
  std::optional<cuda::DeviceInfo> device;  // the one that was asked for
  std::string missing;                     // why there is no device; empty when there is one
};

/// Tries $TALKRT_CUDA_MODULE, else the folder of this library, else the system's loader. The module stays
/// open. `index` counts GPUs as CUDA does.
CudaModule open_cuda_module(int index = 0);

}  // namespace talkrt::device
