// SPDX-License-Identifier: Apache-2.0
//
// Shared memory: what kernels declare lies in one section, what a launch asks for in a buffer that ends where
// it was said to. All of it holds garbage when a block begins.
#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "tests/emulation/runtime.hpp"
#include "tests/emulation/scheduler.hpp"

// The linker's names for both ends of the section.
extern "C" {
extern char __start_emulated_shared[] __attribute__((weak));
extern char __stop_emulated_shared[] __attribute__((weak));
}

namespace talkrt::emulation {
namespace {

constexpr std::size_t kUnasked = std::size_t{48} * 1024, kMost = std::size_t{227} * 1024, kAlignment = 128;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
std::unique_ptr<void, Free> dynamic;
std::size_t dynamic_bytes = 0;

std::mutex limits_lock;
std::map<const void*, std::size_t> limits;

}  // namespace

std::size_t shared_limit(const void* kernel) {
  const std::lock_guard lock(limits_lock);
  const auto found = limits.find(kernel);
  return found == limits.end() ? kUnasked : found->second;
}

void* dynamic_shared() { return dynamic.get(); }

void take_dynamic_shared(std::size_t bytes) {
  dynamic_bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  dynamic.reset(bytes == 0 ? nullptr : std::aligned_alloc(kAlignment, dynamic_bytes));
}

void spoil_shared_memory() {
  if (__start_emulated_shared != nullptr) {
    std::memset(__start_emulated_shared, 0xff,
                static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
  }
  if (dynamic != nullptr) std::memset(dynamic.get(), 0xff, dynamic_bytes);
}

}  // namespace talkrt::emulation

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute /*attribute*/, int bytes) {
  using namespace talkrt::emulation;
  if (bytes < 0 || static_cast<std::size_t>(bytes) > kMost) return cudaErrorInvalidValue;
  return call("cudaFuncSetAttribute", [&] {
    const std::lock_guard lock(limits_lock);
    limits[kernel] = static_cast<std::size_t>(bytes);
  });
}
