// SPDX-License-Identifier: Apache-2.0
#include "engine/src/audio/ring_buffer.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace talkrt::audio {
namespace {

/// Sample at a stream position: every position below 2^24 differs from all others.
float sample(std::int64_t position) { return static_cast<float>(position & 0xFFFFFF); }

std::vector<float> samples(std::int64_t begin, std::size_t count) {
  std::vector<float> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = sample(begin + static_cast<std::int64_t>(i));
  return result;
}

TEST(RingBuffer, gives_back_what_was_pushed_across_every_wrap) {
  std::mt19937 random(1);
  for (const std::size_t capacity : {1u, 2u, 7u, 64u, 1000u}) {
    std::vector<float> storage(capacity), out(capacity + 3);
    RingBuffer ring(storage);
    EXPECT_EQ(ring.capacity(), capacity);
    for (int i = 0; i < 500; ++i) {
      const auto wanted = random() % (capacity + 2);
      const std::int64_t pushed = ring.pushed();
      const std::size_t taken = ring.push(samples(pushed, wanted));
      ASSERT_EQ(taken, std::min(wanted, capacity - static_cast<std::size_t>(pushed - ring.consumed())));
      ASSERT_EQ(ring.pushed(), pushed + static_cast<std::int64_t>(taken));

      const std::int64_t consumed = ring.consumed();
      const std::size_t got = ring.pop(std::span(out).first(random() % out.size()));
      for (std::size_t k = 0; k < got; ++k)
        ASSERT_EQ(out[k], sample(consumed + static_cast<std::int64_t>(k)));
      ASSERT_EQ(ring.consumed(), consumed + static_cast<std::int64_t>(got));
    }
  }
}

TEST(RingBuffer, takes_only_what_fits) {
  std::vector<float> storage(10);
  RingBuffer ring(storage);
  EXPECT_EQ(ring.push(samples(0, 25)), 10u);
  EXPECT_EQ(ring.push(samples(10, 5)), 0u);
  EXPECT_EQ(ring.pushed(), 10);
}

TEST(RingBuffer, drops_up_to_a_position_and_never_past_what_was_pushed) {
  std::vector<float> storage(10);
  RingBuffer ring(storage);
  ring.push(samples(0, 8));
  ring.drop_until(5);
  EXPECT_EQ(ring.consumed(), 5);
  ring.drop_until(2);
  EXPECT_EQ(ring.consumed(), 5);
  float next = -1;
  EXPECT_EQ(ring.pop({&next, 1}), 1u);
  EXPECT_EQ(next, sample(5));
  ring.drop_until(1000);
  EXPECT_EQ(ring.consumed(), 8);
  EXPECT_EQ(ring.push(samples(8, 20)), 10u);
}

TEST(RingBuffer, without_storage_takes_nothing) {
  RingBuffer ring({});
  EXPECT_EQ(ring.push(samples(0, 3)), 0u);
  float out = 0;
  EXPECT_EQ(ring.pop({&out, 1}), 0u);
}

TEST(RingBuffer, loses_and_repeats_nothing_between_two_threads) {
  constexpr std::int64_t kTotal = 400'000;
  std::vector<float> storage(997);
  RingBuffer ring(storage);
  std::thread producer([&] {
    std::mt19937 random(2);
    std::int64_t position = 0;
    while (position < kTotal) {
      const auto count = std::min<std::int64_t>(1 + random() % 1500, kTotal - position);
      const std::size_t taken = ring.push(samples(position, static_cast<std::size_t>(count)));
      position += static_cast<std::int64_t>(taken);
      if (taken == 0) std::this_thread::yield();
    }
  });
  std::mt19937 random(3);
  std::vector<float> out(1500);
  std::int64_t wrong = 0, read = 0;
  while (ring.consumed() < kTotal) {
    if (random() % 16 == 0) ring.drop_until(ring.consumed() + static_cast<std::int64_t>(random() % 100));
    const std::int64_t at = ring.consumed();
    const std::size_t got = ring.pop(std::span(out).first(1 + random() % out.size()));
    for (std::size_t k = 0; k < got; ++k) wrong += out[k] != sample(at + static_cast<std::int64_t>(k));
    read += static_cast<std::int64_t>(got);
    if (got == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(read, kTotal / 2);
  EXPECT_EQ(ring.pushed(), kTotal);
}

}  // namespace
}  // namespace talkrt::audio
