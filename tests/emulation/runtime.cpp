// SPDX-License-Identifier: Apache-2.0
#include "tests/emulation/runtime.hpp"

#include <cuda.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "engine/cuda/module.hpp"
#include "tests/emulation/controls.h"
#include "tests/emulation/emulation.hpp"
#include "tests/emulation/streams.hpp"

namespace talkrt::emulation {
namespace {

struct State {
  std::recursive_mutex mutex;
  std::map<std::string, std::uint64_t, std::less<>> calls;
  std::uint64_t all = 0, failing = UINT64_MAX;  // the number of the call that fails
  cudaError_t failure = cudaSuccess, lost = cudaSuccess;
  std::map<std::string, cudaError_t, std::less<>> failing_once;  // by function
};

State& state() {
  static State only;
  return only;
}

thread_local int depth = 0;

}  // namespace

Call::Call(const char* name) {
  ++depth;
  State& s = state();
  lock_ = std::unique_lock(s.mutex);
  ++s.calls[name];
  if (s.all++ == s.failing) error = s.failure;
  if (const auto found = s.failing_once.find(name); found != s.failing_once.end()) {
    error = found->second;
    s.failing_once.erase(found);
  }
  if (error != cudaSuccess && cuda::lost(error)) {
    s.lost = error;
    forget_all();
  }
  if (s.lost != cudaSuccess) error = s.lost;
}

Call::~Call() { --depth; }

bool in_call() { return depth > 0; }

}  // namespace talkrt::emulation

using talkrt::emulation::state;

extern "C" {

uint64_t talkrt_emulation_calls(const char* name) {
  const std::lock_guard lock(state().mutex);
  if (name == nullptr) return state().all;
  const auto found = state().calls.find(name);
  return found == state().calls.end() ? 0 : found->second;
}

void talkrt_emulation_fail(uint64_t nth, int error) {
  const std::lock_guard lock(state().mutex);
  state().failing = state().all + nth;
  state().failure = static_cast<cudaError_t>(error);
}

void talkrt_emulation_fail_call(const char* name, int error) {
  const std::lock_guard lock(state().mutex);
  state().failing_once[name] = static_cast<cudaError_t>(error);
}

void talkrt_emulation_restore() {
  const std::lock_guard lock(state().mutex);
  state().failing_once.clear();
  state().failing = UINT64_MAX;
  state().failure = state().lost = cudaSuccess;
  talkrt_emulation_set_memory_limit(UINT64_MAX);
}

uint64_t talkrt_emulation_launches() {
  const std::lock_guard lock(state().mutex);
  return talkrt::emulation::launches();
}

unsigned talkrt_emulation_set_order(unsigned seed) {
  const std::lock_guard lock(state().mutex);
  return talkrt::emulation::set_order(seed);
}

}  // extern "C"

const char* cudaGetErrorString(cudaError_t error) {
  switch (static_cast<int>(error)) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    default:
      return "an error of the emulation";
  }
}

namespace {

thread_local CUcontext current = nullptr;  // of this thread

int get_current(CUcontext* out) { return *out = current, 0; }
int set_current(CUcontext context) { return current = context, 0; }

}  // namespace

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** out, unsigned /*version*/,
                                             unsigned long long /*flags*/,
                                             cudaDriverEntryPointQueryResult* result) {
  return talkrt::emulation::call("cudaGetDriverEntryPointByVersion", [&] {
    *out = std::string(name) == "cuCtxGetCurrent" ? reinterpret_cast<void*>(get_current)
                                                  : reinterpret_cast<void*>(set_current);
    *result = cudaDriverEntryPointSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  const talkrt::emulation::Call call("cudaSetDevice");
  if (call.error != cudaSuccess) return call.error;
  if (device != 0) return cudaErrorInvalidDevice;
  static int primary = 0;
  current = reinterpret_cast<CUcontext>(&primary);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  return talkrt::emulation::call("cudaGetDeviceCount", [&] { *count = 1; });
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  return talkrt::emulation::call("cudaRuntimeGetVersion", [&] { *version = 13000; });
}
cudaError_t cudaDriverGetVersion(int* version) {
  return talkrt::emulation::call("cudaDriverGetVersion", [&] { *version = 13000; });
}
cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int /*device*/) {
  return talkrt::emulation::call("cudaDeviceGetAttribute", [&] {
    *out = attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin ? 227 * 1024
           : attribute == cudaDevAttrMultiProcessorCount        ? 1
                                                                : 9;
  });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int /*device*/) {
  return talkrt::emulation::call("cudaGetDeviceProperties", [&] {
    *out = {"emulation", {"emulated-device"}, talkrt::emulation::kMemory, 9, 0, 1};
  });
}
cudaError_t cudaDeviceGetPCIBusId(char* out, int size, int /*device*/) {
  return talkrt::emulation::call("cudaDeviceGetPCIBusId",
                                 [&] { std::snprintf(out, static_cast<std::size_t>(size), "0000:65:00.0"); });
}
