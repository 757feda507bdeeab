// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/device/cuda_driver.hpp"
#include "engine/src/device/cuda_driver_calls.hpp"

namespace talkrt::device {
namespace {

constexpr int kOutOfMemory = 2;  // CUDA_ERROR_OUT_OF_MEMORY

/// The null stream zeroes, and other streams do not wait for it.
int zero(const DriverCalls& calls, DriverCalls::Address memory, std::size_t bytes) {
  const int status = calls.set_bytes(memory, 0, bytes);
  return status != 0 ? status : calls.synchronize(nullptr);
}

int take(const DriverCalls& calls, MemoryKind kind, std::size_t bytes, std::byte** out) {
  if (kind == MemoryKind::pinned) {
    void* memory = nullptr;
    const int status = calls.take_pinned(&memory, bytes, 0);
    if (status == 0) std::memset(memory, 0, bytes);
    *out = static_cast<std::byte*>(memory);
    return status;
  }
  DriverCalls::Address memory = 0;
  int status = calls.take_device(&memory, bytes);
  if (status != 0) return status;
  status = zero(calls, memory, bytes);
  if (status != 0) {
    calls.give_device(memory);
  } else {
    *out = std::bit_cast<std::byte*>(memory);
  }
  return status;
}

void give(const DriverCalls& calls, MemoryKind kind, std::byte* memory) {
  if (kind == MemoryKind::pinned) {
    calls.give_pinned(memory);
  } else {
    calls.give_device(reinterpret_cast<DriverCalls::Address>(memory));
  }
}

}  // namespace

CudaMemory::CudaMemory(const CudaDriver& driver, Budget& budget, std::string what, std::size_t bytes,
                       MemoryKind kind)
    : driver_(driver), budget_(budget), what_(std::move(what)), bytes_(bytes), kind_(kind) {
  if (bytes == 0) return;
  budget.charge(what_, kind, bytes);
  try {
    const CudaScope scope(driver);
    const int status = take(driver.calls(), kind, bytes, &data_);
    if (status == kOutOfMemory) {
      throw Error(
          TALKRT_ERROR_OUT_OF_MEMORY,
          (kind == MemoryKind::pinned ? "the system refused to page-lock " : driver.name() + " has not ") +
              std::to_string(bytes) + " bytes for \"" + what_ + "\", which the memory budget allows");
    }
    driver.check(status, "taking memory");
  } catch (const Error&) {
    budget.refund(what_, kind, bytes);
    throw;
  }
}

CudaMemory::~CudaMemory() {
  if (data_ == nullptr) return;
  if (const CudaScope scope(driver_, std::nothrow); scope) give(driver_.calls(), kind_, data_);
  budget_.refund(what_, kind_, bytes_);
}

}  // namespace talkrt::device
