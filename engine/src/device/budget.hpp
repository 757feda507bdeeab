// SPDX-License-Identifier: Apache-2.0
//
// The memory account: every byte the engine takes is charged to a named line of an account before it is
// allocated, and an account can have a limit and a parent (session -> model -> engine).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <talkrt/error.hpp>
#include <utility>
#include <vector>

namespace talkrt::device {

enum class MemoryKind : std::uint8_t { host, pinned, device };

/// Bytes; 0: no limit. Pinned memory is host memory that may not be paged out, and counts as that.
struct Limits {
  std::uint64_t host = 0, device = 0;
  bool operator==(const Limits&) const = default;
};

class Budget;

/// OUT_OF_BUDGET, or OUT_OF_MEMORY where the GPU or the system has less left than the budget; for those who
/// may make room: who refused, and by how much.
class BudgetRefusal : public Error {
 public:
  BudgetRefusal(talkrt_status code, const std::string& message, const Budget* account, MemoryKind kind,
                std::uint64_t missing)
      : Error(code, message), account_(account), kind_(kind), missing_(missing) {}
  /// The account that refused; null: the GPU or the system, at a call that no account foresaw.
  [[nodiscard]] const Budget* account() const noexcept { return account_; }
  [[nodiscard]] MemoryKind kind() const noexcept { return kind_; }
  /// Bytes; 1 where nobody knows how many.
  [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }

 private:
  const Budget* account_;
  MemoryKind kind_;
  std::uint64_t missing_;
};

class Budget {
 public:
  struct Line {
    std::string what;
    MemoryKind kind;
    std::uint64_t bytes;
    bool mapped = false;  // a file, whose pages the system takes back when it needs them
  };

  /// The parent must outlive this, and lists this account as one line named `owner` ("model demo").
  Budget(std::string owner, Limits limits, Budget* parent = nullptr);
  /// With a limit for the host's memory alone.
  Budget(std::string owner, std::uint64_t host_limit, Budget* parent = nullptr)
      : Budget(std::move(owner), Limits{host_limit, 0}, parent) {}

  /// Charges here and in every parent, or throws BudgetRefusal with a breakdown and charges nothing.
  void charge(const std::string& what, MemoryKind kind, std::uint64_t bytes);
  void refund(const std::string& what, MemoryKind kind, std::uint64_t bytes) noexcept;

  /// Throws BudgetRefusal, with `parts` in one breakdown, unless all of them could be charged now; charges
  /// nothing. For refusing `what`, a load, before its first part is taken.
  void require(const std::string& what, std::span<const Line> parts) const;
  /// What to throw when memory that was charged here was then refused by the GPU or the system, which said
  /// `why`. Charge nothing for it any more.
  [[nodiscard]] BudgetRefusal refused(const std::string& what, MemoryKind kind, std::uint64_t bytes,
                                      const std::string& why) const;
  /// "; held now: 8.5 MiB (weights 8.0 MiB, scratch 512.0 KiB)", of the host's memory or of the GPU's.
  [[nodiscard]] std::string breakdown(MemoryKind kind) const;

  [[nodiscard]] std::uint64_t used(MemoryKind kind) const;
  [[nodiscard]] std::vector<Line> lines() const;
  [[nodiscard]] Limits limits() const;
  /// Other limits from now on. Throws BudgetRefusal when more than that is held, and keeps the old ones.
  void set_limits(Limits limits);

  /// What the GPU itself has free, whoever holds the rest, asked before its memory is charged to this
  /// account; and what the system has, asked by require().
  using Supply = std::function<std::optional<std::uint64_t>()>;
  void set_device_supply(Supply free);
  void set_host_supply(Supply free);

 private:
  void charge(const std::string& what, MemoryKind kind, std::uint64_t bytes, const std::string& asker);
  struct Request {
    std::string asker;
    MemoryKind kind;
    std::uint64_t bytes;
    std::uint64_t supplied;  // of them, what the GPU or the system is asked for; 0: is not asked
    std::string parts;       // " (weights 8.0 MiB)"
  };
  void agree(const Request& request) const;
  void require(Request request) const;
  [[nodiscard]] std::string held(MemoryKind kind) const;

  const std::string owner_;
  Limits limits_;
  Supply device_supply_, host_supply_;
  Budget* parent_;
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

class CudaDevice;

/// Owns one aligned (2 MiB when large, else 64 bytes; of a GPU 256 bytes) zeroed allocation, charged to a
/// budget while it lives. The host's pages are present from the start. Throws BudgetRefusal, and of a GPU
/// DEVICE_LOST.
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
