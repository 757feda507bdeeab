// SPDX-License-Identifier: Apache-2.0
//
// Device and page-locked memory, both the host's, with garbage in it.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/emulation/controls.h"
#include "tests/emulation/runtime.hpp"
#include "tests/emulation/streams.hpp"

namespace {

constexpr std::size_t kHead = 256;  // the size in front of the memory, which is aligned as CUDA's

std::atomic<std::uint64_t> taken{0}, limit{UINT64_MAX};

cudaError_t take(const char* name, void** out, std::size_t bytes) {
  const talkrt::emulation::Call call(name);
  if (call.error != cudaSuccess) return call.error;
  if (taken + bytes > limit) return cudaErrorMemoryAllocation;
  const std::size_t whole = kHead + (bytes + kHead - 1) / kHead * kHead;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kHead, whole));
  if (memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(memory, 0xff, whole);
  std::memcpy(memory, &bytes, sizeof bytes);
  taken += bytes;
  *out = memory + kHead;
  return cudaSuccess;
}

cudaError_t give_back(const char* name, void* memory) {
  return talkrt::emulation::call_always(name, [&] {
    if (memory == nullptr) return;
    talkrt::emulation::finish_all();
    auto* begin = static_cast<std::byte*>(memory) - kHead;
    std::size_t bytes;
    std::memcpy(&bytes, begin, sizeof bytes);
    taken -= bytes;
    std::free(begin);
  });
}

}  // namespace

cudaError_t cudaMalloc(void** out, std::size_t bytes) { return take("cudaMalloc", out, bytes); }
cudaError_t cudaFree(void* memory) { return give_back("cudaFree", memory); }
cudaError_t cudaMallocHost(void** out, std::size_t bytes) { return take("cudaMallocHost", out, bytes); }
cudaError_t cudaFreeHost(void* memory) { return give_back("cudaFreeHost", memory); }

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return talkrt::emulation::call("cudaMemGetInfo", [&] {
    const std::uint64_t most = std::min<std::uint64_t>(limit, talkrt::emulation::kMemory);
    *free = most - std::min<std::uint64_t>(most, taken);
    *total = talkrt::emulation::kMemory;
  });
}

uint64_t talkrt_emulation_bytes_taken() { return taken; }
uint64_t talkrt_emulation_set_memory_limit(uint64_t bytes) { return limit.exchange(bytes); }
