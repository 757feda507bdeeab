// SPDX-License-Identifier: Apache-2.0
//
// The memory account: every byte the engine takes is charged to a named line of an account before it is
// allocated, and an account can have a limit and a parent (session -> model -> engine).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace talkrt::device {

enum class MemoryKind : std::uint8_t { host, pinned, device };

class Budget {
 public:
  struct Line {
    std::string what;
    MemoryKind kind;
    std::uint64_t bytes;
  };

  /// limit 0: none; it holds for host and pinned memory together. The parent must outlive this, and lists
  /// this account as one line named `owner` ("model demo").
  Budget(std::string owner, std::uint64_t host_limit, Budget* parent = nullptr);

  /// Charges here and in every parent, or throws OUT_OF_BUDGET with a breakdown and charges nothing.
  void charge(const std::string& what, MemoryKind kind, std::uint64_t bytes);
  void refund(const std::string& what, MemoryKind kind, std::uint64_t bytes) noexcept;

  [[nodiscard]] std::uint64_t used(MemoryKind kind) const;
  [[nodiscard]] std::uint64_t host_limit() const noexcept { return host_limit_; }
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  [[nodiscard]] std::string refusal(const std::string& what, MemoryKind kind, std::uint64_t bytes,
                                    std::uint64_t used) const;

  std::string owner_;
  std::uint64_t host_limit_;
  Budget* parent_;
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

class CudaDevice;

/// Owns one aligned (2 MiB when large, else 64 bytes; of a GPU 256 bytes) zeroed allocation, charged to a
/// budget while it lives. The host's pages are present from the start. Throws OUT_OF_BUDGET, OUT_OF_MEMORY,
/// and of a GPU DEVICE_LOST.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Budget& budget, std::string what, std::size_t bytes);
  /// Pinned memory, or memory of the GPU, which the host cannot read. `gpu` must outlive it.
  Buffer(Budget& budget, std::string what, std::size_t bytes, MemoryKind kind, const CudaDevice& gpu);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  template <class T>
  [[nodiscard]] std::span<T> as() const noexcept {
    return {reinterpret_cast<T*>(data_), bytes_ / sizeof(T)};
  }

 private:
  Budget* budget_ = nullptr;
  const CudaDevice* gpu_ = nullptr;  // of memory that is not the host's own
  std::string what_;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  MemoryKind kind_ = MemoryKind::host;
};

}  // namespace talkrt::device
