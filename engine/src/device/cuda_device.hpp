// SPDX-License-Identifier: Apache-2.0
//
// One GPU of an engine, through the CUDA module, whose error numbers become Errors here: OUT_OF_MEMORY,
// DEVICE_LOST, or BACKEND_FAILED. From any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_module.hpp"

namespace talkrt::device {

class CudaDevice {
 public:
  /// `module.device` is there.
  CudaDevice(const CudaModule& module, int index);

  [[nodiscard]] int index() const noexcept { return index_; }
  [[nodiscard]] const cuda::DeviceInfo& info() const noexcept { return info_; }
  [[nodiscard]] const cuda::Module& table() const noexcept { return *table_; }
  [[nodiscard]] std::string name() const { return info_.name; }
  [[nodiscard]] std::array<int, 2> compute_capability() const noexcept { return {info_.major, info_.minor}; }

  /// Device or pinned memory, zeroed. device::Buffer charges for it first; nobody else calls it.
  [[nodiscard]] std::byte* take(MemoryKind kind, std::size_t bytes) const;
  void give(MemoryKind kind, std::byte* memory) const noexcept;
  /// Free at this moment, whoever holds the rest; nothing when the GPU does not answer.
  [[nodiscard]] std::optional<std::uint64_t> free_bytes() const noexcept;
  /// Done when they return: for setting up, not for frames.
  void copy_in(void* to, std::span<const std::byte> from) const;
  void copy_out(std::span<std::byte> to, const void* from) const;

  /// For whoever was told of a failure by others: throws DEVICE_LOST where that is why.
  void require_alive() const;
  /// Throws for a code that is not 0; BudgetRefusal when there is no memory.
  void check(int code, const cuda::Why& why) const;
  /// call(table, why), whose answer is checked.
  template <class F>
  void call(F&& call) const {
    cuda::Why why{};
    check(call(*table_, &why), why);
  }

 private:
  const cuda::Module* table_;
  int index_;
  cuda::DeviceInfo info_;
};

/// The moment at which what a draw makes is where it shall be, or a stream has come so far.
class CudaTicket {
 public:
  explicit CudaTicket(const CudaDevice& gpu);
  /// Returns when that has come the last time it was asked for; at once before the first.
  void wait() const;
  /// What is enqueued on the CUDA stream from now on waits instead.
  void follow(CUstream_st* stream) const;
  /// For what was enqueued on the CUDA stream so far.
  void record(CUstream_st* stream) const;
  [[nodiscard]] cuda::Ticket* get() const noexcept { return ticket_.get(); }

 private:
  const CudaDevice* gpu_;
  std::unique_ptr<cuda::Ticket, void (*)(cuda::Ticket*)> ticket_;
};

}  // namespace talkrt::device
