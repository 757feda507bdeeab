// SPDX-License-Identifier: Apache-2.0
//
// What all calls of the emulated runtime share: one lock, the counts, the failures that a test asked for.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <mutex>

namespace talkrt::emulation {

inline constexpr std::size_t kMemory = std::size_t{16} << 30;  // of the device

/// A call under way. Calls come one after the other, whatever thread they come from, and kernels run within
/// them. `error` is what the call must answer without doing anything, unless that is cudaSuccess.
class Call {
 public:
  explicit Call(const char* name);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  cudaError_t error = cudaSuccess;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// What this thread allocates meanwhile is the emulation's.
bool in_call();

template <class Body>
cudaError_t call(const char* name, Body&& body) {
  const Call here(name);
  if (here.error != cudaSuccess) return here.error;
  body();
  return cudaSuccess;
}

/// For what is given back: done even if the GPU is lost.
template <class Body>
cudaError_t call_always(const char* name, Body&& body) {
  const Call here(name);
  body();
  return here.error;
}

}  // namespace talkrt::emulation
