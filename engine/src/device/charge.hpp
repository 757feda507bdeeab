// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "engine/src/device/budget.hpp"

namespace talkrt::device {

/// Charges memory that somebody else holds for us (a mapping, a back end) for as long as it lives.
class Charge {
 public:
  Charge(Budget& budget, std::string what, std::uint64_t bytes, MemoryKind kind = MemoryKind::host)
      : budget_(budget), what_(std::move(what)), bytes_(bytes), kind_(kind) {
    budget_.charge(what_, kind_, bytes_);
  }
  ~Charge() { budget_.refund(what_, kind_, bytes_); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// What is held has become less.
  void shrink(std::uint64_t bytes) {
    budget_.refund(what_, kind_, bytes_ - bytes);
    bytes_ = bytes;
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

 private:
  Budget& budget_;
  std::string what_;
  std::uint64_t bytes_;
  MemoryKind kind_;
};

}  // namespace talkrt::device
