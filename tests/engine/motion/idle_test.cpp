// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/idle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace talkrt::motion {
namespace {

using enum Channel;
constexpr double kTick = 0.02;

struct Life {
  std::vector<MotionFrame> frames;

  Life(std::uint64_t seed, double minutes, bool talking, double blink_scale = 1) {
    Idle idle(seed, plan::Idle{});
    SpeechActivity speech;
    for (int i = 0; i < static_cast<int>(minutes * 60 / kTick); ++i) {
      // Talking: syllables of 200 ms in phrases of 3 s.
      const bool voiced = talking && i % 200 < 150 && i % 10 < 7;
      speech.step(voiced ? 0.7 : 0.0, kTick);
      MotionFrame frame;
      idle.step(kTick, speech, {1, blink_scale}, frame);
      frames.push_back(frame);
    }
  }

  [[nodiscard]] double deviation(Channel c) const {
    double sum = 0, squares = 0;
    for (const MotionFrame& f : frames) {
      sum += f[c];
      squares += static_cast<double>(f[c]) * f[c];
    }
    const auto n = static_cast<double>(frames.size());
    return std::sqrt(squares / n - sum / n * sum / n);
  }

  [[nodiscard]] int blinks() const {
    int count = 0;
    for (std::size_t i = 1; i < frames.size(); ++i) {
      count += frames[i][eyeBlinkLeft] > 0.3f && frames[i - 1][eyeBlinkLeft] <= 0.3f;
    }
    return count;
  }
};

TEST(Idle, the_same_seed_lives_the_same_life) {
  const Life a(5, 0.5, true), b(5, 0.5, true), c(6, 0.5, true);
  for (std::size_t i = 0; i < a.frames.size(); ++i) ASSERT_EQ(a.frames[i].values, b.frames[i].values);
  EXPECT_NE(a.frames.back().values, c.frames.back().values);
}

TEST(Idle, blinks_come_at_about_the_mean_rate_and_half_of_them_close) {
  const Life life(11, 20, false);
  EXPECT_NEAR(life.blinks() / 20.0, 17.0, 5.0);
  int full = 0;
  for (std::size_t i = 1; i + 1 < life.frames.size(); ++i) {
    const float now = life.frames[i][eyeBlinkLeft];
    full += now > 0.95f && now > life.frames[i - 1][eyeBlinkLeft] && now >= life.frames[i + 1][eyeBlinkLeft];
  }
  EXPECT_GT(full, life.blinks() / 3);
}

TEST(Idle, an_emotion_can_blink_more) {
  EXPECT_GT(Life(12, 10, false, 1.5).blinks(), Life(12, 10, false, 0.6).blinks());
}

TEST(Idle, lids_close_faster_than_they_open) {
  EXPECT_LT(blink_shape(0.01), 0.05);
  EXPECT_GT(blink_shape(0.075), 0.99);
  EXPECT_GT(blink_shape(0.089), 0.99);
  EXPECT_GT(blink_shape(0.15), 0.2);
  EXPECT_LT(blink_shape(0.35), 0.02);
}

TEST(Idle, the_head_moves_more_in_speech_and_within_a_presenters_range) {
  const Life quiet(21, 10, false), talking(21, 10, true);
  EXPECT_GT(talking.deviation(headYaw), 1.5 * quiet.deviation(headYaw));
  EXPECT_NEAR(talking.deviation(headYaw), 2.2, 0.9);
  for (const MotionFrame& f : talking.frames) {
    EXPECT_LT(std::abs(f[headYaw]), 9.0f);
    EXPECT_LT(std::abs(f[headPitch]), 12.0f);
    EXPECT_LT(std::abs(f[headRoll]), 6.0f);
    EXPECT_LT(std::abs(f[headX]), 0.01f);
  }
}

TEST(Idle, the_head_never_jerks) {
  const Life life(22, 5, true);
  for (std::size_t i = 1; i < life.frames.size(); ++i) {
    for (const Channel c : {headPitch, headYaw, headRoll}) {
      EXPECT_LT(std::abs(life.frames[i][c] - life.frames[i - 1][c]), 0.8f) << "degrees in one tick";
    }
  }
}

TEST(Idle, gaze_stays_at_the_camera_most_of_the_time_and_leaves_it_at_times) {
  Gaze gaze(31, 0.88);
  int at_camera = 0, total = 0;
  double longest = 0, stare = 0;
  for (int i = 0; i < 60000; ++i, ++total) {
    const Direction d = gaze.step(kTick);
    const bool looking = std::hypot(d.yaw, d.pitch) < 2.5;
    at_camera += looking;
    stare = looking ? stare + kTick : 0;
    longest = std::max(longest, stare);
    EXPECT_LT(std::hypot(d.yaw, d.pitch), 9.0);
  }
  EXPECT_NEAR(static_cast<double>(at_camera) / total, 0.88, 0.05);
  EXPECT_LT(longest, 9.0);
}

TEST(Idle, never_still_for_two_seconds) {
  const Life life(41, 2, false);
  for (std::size_t i = 100; i < life.frames.size(); ++i) {
    EXPECT_NE(life.frames[i][headYaw], life.frames[i - 100][headYaw]);
    EXPECT_NE(life.frames[i][breath], life.frames[i - 1][breath]);
  }
}

TEST(Idle, wander_has_unit_variance) {
  RandomStream random(3, Stream::head);
  Wander wander(0.3);
  double squares = 0;
  const int ticks = 400000;
  for (int i = 0; i < ticks; ++i) squares += std::pow(wander.step(kTick, random), 2);
  EXPECT_NEAR(squares / ticks, 1.0, 0.1);
}

}  // namespace
}  // namespace talkrt::motion
