// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "engine/src/device/budget.hpp"

namespace talkrt::device {

/// Owns memory that grows without moving: a range of addresses, whose first pages are there and charged.
/// For what nobody can size beforehand. Not thread-safe.
class GrowingBuffer {
 public:
  /// `budget` must outlive this. Throws OUT_OF_MEMORY when there are no addresses left.
  GrowingBuffer(Budget& budget, std::string what);
  ~GrowingBuffer();
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;

  /// Makes it at least so large; what is new is zero and its pages are present. Throws OUT_OF_BUDGET,
  /// OUT_OF_MEMORY, and then changes nothing.
  void grow_to(std::size_t bytes);

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  Budget& budget_;
  std::string what_;
  std::byte* data_ = nullptr;  // on a huge page
  std::size_t range_ = 0;      // of addresses
  std::size_t bytes_ = 0;
};

}  // namespace talkrt::device
