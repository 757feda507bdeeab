// SPDX-License-Identifier: Apache-2.0
//
// The calling thread's CUDA context. Hosts have contexts of their own (PyCUDA, a second GPU of PyTorch's),
// and a call into this module must not change which one their next call goes to.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

namespace talkrt::cuda {

/// The device's primary context while it lives, then again what the thread had. Never throws: without a
/// device, error() says why.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device) noexcept;
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;
  ~CurrentDevice();
  [[nodiscard]] cudaError_t error() const { return error_; }

  /// Leaves the device current after its end; what the thread had before, for go_back().
  [[nodiscard]] CUcontext stay();
  static void go_back(CUcontext before);

 private:
  bool stays_ = false;
  CUcontext before_ = nullptr;
  cudaError_t error_ = cudaSuccess;
};

}  // namespace talkrt::cuda
