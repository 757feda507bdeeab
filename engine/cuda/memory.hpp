// SPDX-License-Identifier: Apache-2.0
//
// CUDA's handles with owners, and its errors as exceptions of this module.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace talkrt::cuda {

struct Error : std::runtime_error {
  Error(cudaError_t number, const std::string& doing)
      : std::runtime_error("CUDA failed at " + doing + ": " + cudaGetErrorString(number)), code(number) {}
  cudaError_t code;
};

inline void check(cudaError_t error, const char* doing) {
  if (error != cudaSuccess) throw Error(error, doing);
}

struct FreeDevice {
  void operator()(std::byte* p) const { cudaFree(p); }
};
struct FreePinned {
  void operator()(std::byte* p) const { cudaFreeHost(p); }
};
struct DestroyStream {
  void operator()(cudaStream_t s) const { cudaStreamDestroy(s); }
};
struct DestroyGraph {
  void operator()(cudaGraph_t g) const { cudaGraphDestroy(g); }
};
struct DestroyGraphExec {
  void operator()(cudaGraphExec_t g) const { cudaGraphExecDestroy(g); }
};

using DeviceMemory = std::unique_ptr<std::byte, FreeDevice>;
using PinnedMemory = std::unique_ptr<std::byte, FreePinned>;
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream>;
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraphExec>;

/// Zeroed.
inline DeviceMemory device_memory(std::size_t bytes) {
  void* p = nullptr;
  check(cudaMalloc(&p, bytes), "taking device memory");
  DeviceMemory out(static_cast<std::byte*>(p));
  check(cudaMemset(p, 0, bytes), "clearing device memory");
  return out;
}

inline PinnedMemory pinned_memory(std::size_t bytes) {
  void* p = nullptr;
  check(cudaMallocHost(&p, bytes), "taking page-locked memory");
  return PinnedMemory(static_cast<std::byte*>(p));
}

}  // namespace talkrt::cuda
