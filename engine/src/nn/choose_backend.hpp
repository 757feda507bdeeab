// SPDX-License-Identifier: Apache-2.0
//
// Where each graph of a plan runs: TensorRT, else ONNX Runtime on the GPU, else ONNX Runtime on the CPU. Each
// step down has a reason, which is logged once and described. What takes microseconds on the CPU stays there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/src/device/cuda_device.hpp"
#include "engine/src/nn/graph.hpp"

namespace talkrt::nn {

struct BackendOptions {
  std::string onnxruntime;                  // path; "": found
  const device::CudaDevice* gpu = nullptr;  // that graphs may run on; null: all of them on the CPU
  std::function<void(const std::string&)> log;
};

/// Throws BACKEND_MISSING where ONNX Runtime is not there: without it nothing could fall back. What a GPU
/// lacks is no error.
std::unique_ptr<Backend> choose_backend(BackendOptions options);

/// Why a graph stays on the CPU although there is a GPU; "": it need not.
std::string stays_on_cpu(const plan::Plan& plan, const plan::GraphSpec& spec);

}  // namespace talkrt::nn
