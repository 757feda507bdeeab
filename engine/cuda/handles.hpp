// SPDX-License-Identifier: Apache-2.0
//
// CUDA's handles with owners, and its errors as exceptions of this module.
#pragma once

#include <cuda_runtime.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "engine/cuda/module.hpp"

namespace talkrt::cuda {

/// Of a lost GPU the sentence is the same whatever was being done: CUDA repeats the code for every call.
struct Error : std::runtime_error {
  Error(cudaError_t number, const std::string& doing)
      : std::runtime_error(lost(number) ? "the GPU failed while in use: " + named(number) +
                                              "; this process cannot use it any more"
                                        : "CUDA failed at " + doing + ": " + named(number)),
        code(number) {}
  cudaError_t code;

 private:
  static std::string named(cudaError_t number) {
    return std::string(cudaGetErrorString(number)) + " (CUDA error " +
           std::to_string(static_cast<int>(number)) + ")";
  }
};

inline void check(cudaError_t error, const char* doing) {
  if (error != cudaSuccess) throw Error(error, doing);
}

struct DestroyStream {
  void operator()(cudaStream_t s) const { cudaStreamDestroy(s); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t e) const { cudaEventDestroy(e); }
};
struct DestroyGraph {
  void operator()(cudaGraph_t g) const { cudaGraphDestroy(g); }
};
struct DestroyGraphExec {
  void operator()(cudaGraphExec_t g) const { cudaGraphExecDestroy(g); }
};

using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream>;
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraphExec>;

inline Stream make_stream() {
  cudaStream_t out = nullptr;
  check(cudaStreamCreateWithFlags(&out, cudaStreamNonBlocking), "making a stream");
  return Stream(out);
}

inline Event make_event(unsigned flags) {
  cudaEvent_t out = nullptr;
  check(cudaEventCreateWithFlags(&out, flags | cudaEventDisableTiming), "making an event");
  return Event(out);
}

inline bool reached(cudaEvent_t event) {
  const cudaError_t error = cudaEventQuery(event);
  if (error == cudaErrorNotReady) return false;
  check(error, "drawing");
  return true;
}

/// A frame takes tens of microseconds, as long as it takes to wake a thread that sleeps; so a thread sleeps
/// only when there is more to wait for.
inline void wait_for(cudaEvent_t event) {
  constexpr std::chrono::microseconds kAwake{50};
  const auto until = std::chrono::steady_clock::now() + kAwake;
  while (std::chrono::steady_clock::now() < until) {
    if (reached(event)) return;
  }
  check(cudaEventSynchronize(event), "drawing");
}

}  // namespace talkrt::cuda
