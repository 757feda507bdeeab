// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"
#include "engine/src/device/pages.hpp"

namespace talkrt::device {
namespace {

constexpr std::size_t kAlign = 64;  // a cache line, and the widest vector

// A buffer beyond any machine is refused here: rounding up could overflow, and sanitizers end the process.
constexpr std::size_t kLargest = std::size_t{1} << 39;

// Large buffers are mappings of their own: huge pages where the system has them, and the memory goes back to
// the system when the buffer dies. The address sanitizer sees only what the allocator hands out.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kMapFrom = SIZE_MAX;
#else
constexpr std::size_t kMapFrom = kHugePage;
#endif

std::byte* map_zeroed(std::size_t bytes) {
  const std::size_t length = round_up(bytes, page_size());
  void* mapped =
      mmap(nullptr, length + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  // Trimmed to start on a huge page.
  auto* begin = static_cast<std::byte*>(mapped);
  const std::size_t lead =
      round_up(reinterpret_cast<std::uintptr_t>(begin), kHugePage) - reinterpret_cast<std::uintptr_t>(begin);
  if (lead != 0) munmap(begin, lead);
  munmap(begin + lead + length, kHugePage - lead);
  madvise(begin + lead, length, MADV_HUGEPAGE);  // advice: without huge pages it only runs slower
  if (populate(begin + lead, length)) return begin + lead;
  munmap(begin + lead, length);
  return nullptr;
}

std::byte* allocate(std::size_t bytes) {
  if (bytes > kLargest) return nullptr;
  if (bytes >= kMapFrom) return map_zeroed(bytes);
  const std::size_t align = bytes >= kHugePage ? kHugePage : kAlign;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(align, round_up(bytes, align)));
  if (data != nullptr) std::memset(data, 0, bytes);
  return data;
}

void release(std::byte* data, std::size_t bytes) noexcept {
  if (bytes >= kMapFrom) {
    munmap(data, round_up(bytes, page_size()));
  } else {
    std::free(data);
  }
}

}  // namespace

Buffer::Buffer(Budget& budget, std::string what, std::size_t bytes)
    : budget_(&budget), what_(std::move(what)), bytes_(bytes) {
  if (bytes == 0) return;
  budget.charge(what_, kind_, bytes);
  data_ = allocate(bytes);
  if (data_ == nullptr) {
    budget.refund(what_, kind_, bytes);
    throw budget.refused(what_, kind_, bytes, "");
  }
}

Buffer::Buffer(Budget& budget, std::string what, std::size_t bytes, MemoryKind kind, const CudaDevice& gpu)
    : budget_(&budget), gpu_(&gpu), what_(std::move(what)), bytes_(bytes), kind_(kind) {
  if (bytes == 0) return;
  budget.charge(what_, kind, bytes);
  try {
    data_ = gpu.take(kind, bytes);
  } catch (const Error& error) {
    budget.refund(what_, kind, bytes);
    if (error.code() == TALKRT_ERROR_OUT_OF_MEMORY) throw budget.refused(what_, kind, bytes, error.what());
    throw Error(error.code(), "\"" + what_ + "\", " + std::to_string(bytes) + " bytes: " + error.what());
  }
}

Buffer::Buffer(Buffer&& other) noexcept
    : budget_(other.budget_),
      gpu_(other.gpu_),
      what_(std::move(other.what_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      kind_(other.kind_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(gpu_, other.gpu_);
  std::swap(what_, other.what_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(kind_, other.kind_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (gpu_ != nullptr) {
    gpu_->give(kind_, data_);
  } else {
    release(data_, bytes_);
  }
  budget_->refund(what_, kind_, bytes_);
}

}  // namespace talkrt::device
