// SPDX-License-Identifier: Apache-2.0
//
// Samples between the thread that pushes and the thread that pulls: single producer, single consumer,
// lock-free, fixed capacity, addressed by stream position (samples since the session began).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace talkrt::audio {

class RingBuffer {
 public:
  /// Borrows `storage`; its size is the capacity.
  explicit RingBuffer(std::span<float> storage);

  /// Producer. Copies what fits and returns how many samples that was.
  std::size_t push(std::span<const float> samples) noexcept;

  /// Consumer. Copies up to out.size() of the next samples and advances.
  std::size_t pop(std::span<float> out) noexcept;

  /// Consumer. Forgets everything before stream position `position` (clamped to what was pushed).
  void drop_until(std::int64_t position) noexcept;

  [[nodiscard]] std::int64_t pushed() const noexcept;    // position after the newest sample
  [[nodiscard]] std::int64_t consumed() const noexcept;  // position of the next pop
  [[nodiscard]] std::size_t capacity() const noexcept { return storage_.size(); }

 private:
  std::span<float> storage_;
  alignas(64) std::atomic<std::int64_t> pushed_{0};
  alignas(64) std::atomic<std::int64_t> consumed_{0};
};

}  // namespace talkrt::audio
