// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>

#include "engine/src/device/growing_buffer.hpp"

namespace talkrt::nn {

/// Blocks of memory that come and go in any order, packed into one piece that is as large as they ever needed
/// together. The same takes and gives once more need no more of it, so what a graph's first run has found out
/// holds for all of them. From any thread.
class Scratch {
 public:
  /// `budget` must outlive this. Throws OUT_OF_MEMORY.
  Scratch(device::Budget& budget, std::string what) : memory_(budget, std::move(what)) {}

  /// On a boundary of 64 bytes, not initialized. Throws OUT_OF_BUDGET, OUT_OF_MEMORY.
  [[nodiscard]] void* take(std::size_t bytes);
  /// Gives back what a Scratch, whichever, has handed out. nullptr does nothing.
  static void give(void* data) noexcept;

  /// Has so much ready beforehand. Throws OUT_OF_BUDGET, OUT_OF_MEMORY.
  void reserve(std::size_t bytes);
  /// Ready now, which is the most that was needed or reserved.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Block;

  Block* best_fit(std::size_t bytes) const noexcept;
  Block* append(std::size_t bytes);
  void merge(Block* block) noexcept;
  [[nodiscard]] Block* behind(const Block* block) const noexcept;

  mutable std::mutex mutex_;
  device::GrowingBuffer memory_;
  Block* last_ = nullptr;  // none is free behind it: it is not free itself
};

}  // namespace talkrt::nn
