// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/frame_clock.hpp"

#include <gtest/gtest.h>

#include <random>

namespace talkrt::session {
namespace {

TEST(FrameClock, positions_round_down_exactly) {
  for (const int rate : {8000, 16000, 22050, 44100, 48000}) {
    for (const auto& [num, den] :
         {std::pair{1, 1}, {25, 1}, {30, 1}, {30000, 1001}, {24000, 1001}, {240, 1}, {239, 7}}) {
      const FrameClock clock(rate, num, den);
      for (std::int64_t k = 0; k < 3000; ++k) {
        ASSERT_EQ(clock.position(k), k * rate * den / num) << rate << " Hz, " << num << "/" << den;
      }
    }
  }
}

TEST(FrameClock, a_century_does_not_drift_or_overflow) {
  const FrameClock clock(48000, 30000, 1001);
  const std::int64_t frames = 30000LL * 3600 * 24 * 365 * 100;
  EXPECT_EQ(clock.position(frames), frames / 30000 * 1001 * 48000);
  const FrameClock odd(48000, 2000000011, 1999999973);  // primes near 2^31: no common factor to drop
  EXPECT_EQ(odd.position(2000000011LL), 48000LL * 1999999973);
  EXPECT_EQ(odd.position(2000000010LL), 48000LL * 1999999973 - 48000);
}

TEST(FrameClock, first_frame_at_or_after_is_the_inverse) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 3000; ++i) {
    const int den = 1 + static_cast<int>(random() % 1001),
              num = den * (1 + static_cast<int>(random() % 239)) + 1;
    const FrameClock clock(16000, num, den);
    const auto position = static_cast<std::int64_t>(random() % 10'000'000);
    const std::int64_t k = clock.first_at_or_after(position);
    ASSERT_GE(clock.position(k), position);
    if (k > 0) {
      ASSERT_LT(clock.position(k - 1), position);
    }
  }
}

}  // namespace
}  // namespace talkrt::session
