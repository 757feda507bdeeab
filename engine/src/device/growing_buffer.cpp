// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/growing_buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "engine/src/device/pages.hpp"

namespace talkrt::device {
namespace {

// Addresses cost nothing, and a process has 10,000 times as many; one that may have fewer (ulimit -v,
// valgrind) is asked for fewer.
constexpr std::size_t kMostRange = std::size_t{1} << 33, kLeastRange = std::size_t{1} << 28;

}  // namespace

GrowingBuffer::GrowingBuffer(Budget& budget, std::string what) : budget_(budget), what_(std::move(what)) {
  void* mapped = MAP_FAILED;
  for (range_ = kMostRange; mapped == MAP_FAILED; range_ /= mapped == MAP_FAILED ? 2 : 1) {
    if (range_ < kLeastRange) throw budget.refused(what_, MemoryKind::host, range_, "no addresses left");
    mapped = mmap(nullptr, range_ + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  auto* begin = static_cast<std::byte*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t lead = round_up(address, kHugePage) - address;
  if (lead != 0) munmap(begin, lead);
  data_ = begin + lead;
  munmap(data_ + range_, kHugePage - lead);
  madvise(data_, range_, MADV_HUGEPAGE);  // advice: without huge pages it only runs slower
}

GrowingBuffer::~GrowingBuffer() {
  munmap(data_, range_);
  budget_.refund(what_, MemoryKind::host, bytes_);
}

void GrowingBuffer::grow_to(std::size_t bytes) {
  if (bytes <= bytes_) return;
  if (bytes > range_) throw budget_.refused(what_, MemoryKind::host, bytes, "no addresses left");
  bytes = round_up(bytes, bytes < kHugePage ? page_size() : kHugePage);
  const std::size_t more = bytes - bytes_;
  budget_.charge(what_, MemoryKind::host, more);
  if (mprotect(data_ + bytes_, more, PROT_READ | PROT_WRITE) != 0 || !populate(data_ + bytes_, more)) {
    budget_.refund(what_, MemoryKind::host, more);
    throw budget_.refused(what_, MemoryKind::host, more, "");
  }
  bytes_ = bytes;
}

}  // namespace talkrt::device
