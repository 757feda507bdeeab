// SPDX-License-Identifier: Apache-2.0
#include "engine/src/audio/ring_buffer.hpp"

#include <algorithm>

namespace talkrt::audio {

// Positions only grow; a position's place is position modulo capacity. The producer alone writes pushed_ and
// the consumer alone writes consumed_, so each side reads its own with relaxed order and the other's with
// acquire, which orders the samples between them.

RingBuffer::RingBuffer(std::span<float> storage) : storage_(storage) {}

std::size_t RingBuffer::push(std::span<const float> samples) noexcept {
  const std::int64_t begin = pushed_.load(std::memory_order_relaxed);
  const auto held = static_cast<std::size_t>(begin - consumed_.load(std::memory_order_acquire));
  const std::size_t count = std::min(samples.size(), storage_.size() - held);
  if (count == 0) return 0;
  const std::size_t at = static_cast<std::size_t>(begin) % storage_.size();
  const std::size_t first = std::min(count, storage_.size() - at);
  std::copy_n(samples.data(), first, storage_.data() + at);
  std::copy_n(samples.data() + first, count - first, storage_.data());
  pushed_.store(begin + static_cast<std::int64_t>(count), std::memory_order_release);
  return count;
}

std::size_t RingBuffer::pop(std::span<float> out) noexcept {
  const std::int64_t begin = consumed_.load(std::memory_order_relaxed);
  const auto held = static_cast<std::size_t>(pushed_.load(std::memory_order_acquire) - begin);
  const std::size_t count = std::min(out.size(), held);
  if (count == 0) return 0;
  const std::size_t at = static_cast<std::size_t>(begin) % storage_.size();
  const std::size_t first = std::min(count, storage_.size() - at);
  std::copy_n(storage_.data() + at, first, out.data());
  std::copy_n(storage_.data(), count - first, out.data() + first);
  consumed_.store(begin + static_cast<std::int64_t>(count), std::memory_order_release);
  return count;
}

void RingBuffer::drop_until(std::int64_t position) noexcept {
  const std::int64_t begin = consumed_.load(std::memory_order_relaxed);
  const std::int64_t end = std::min(position, pushed_.load(std::memory_order_acquire));
  if (end > begin) consumed_.store(end, std::memory_order_release);
}

std::int64_t RingBuffer::pushed() const noexcept { return pushed_.load(std::memory_order_acquire); }

std::int64_t RingBuffer::consumed() const noexcept { return consumed_.load(std::memory_order_acquire); }

}  // namespace talkrt::audio
