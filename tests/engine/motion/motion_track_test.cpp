// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/motion_track.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/src/motion/lip_closure.hpp"
#include "tests/engine/motion/manifest_fixture.hpp"

namespace talkrt::motion {
namespace {

using enum Channel;

SpeechRow vowel(float jaw) {
  SpeechRow row;
  row.frame[jawOpen] = jaw;
  row.energy = 0.6f;
  return row;
}

SpeechRow closure(float probability) {
  SpeechRow row = vowel(0.3f);
  row.closure = probability;
  return row;
}

talkrt_controls controls(int emotion = 0, float intensity = 1) {
  talkrt_controls c = default_controls();
  c.emotion = emotion;
  c.emotion_intensity = intensity;
  return c;
}

TEST(MotionTrack, without_idle_and_emotion_it_shows_exactly_what_the_network_said) {
  MotionTrack track(full_manifest(), 1, false);
  track.step(vowel(0.2f), controls());
  track.step(vowel(0.4f), controls());
  EXPECT_FLOAT_EQ(track.at(0)[jawOpen], 0.2f);
  EXPECT_FLOAT_EQ(track.at(0.5f)[jawOpen], 0.3f);
  EXPECT_FLOAT_EQ(track.at(1)[jawOpen], 0.4f);
  for (int c = kCoefficients; c < kChannels; ++c)
    EXPECT_EQ(track.at(1).values[static_cast<std::size_t>(c)], 0.0f);
}

TEST(MotionTrack, lips_close_within_one_tick_whatever_emotion_and_idle_do) {
  for (const int emotion : {0, 1, 2}) {
    MotionTrack track(full_manifest(), 3, true);
    for (int i = 0; i < 50; ++i) track.step(vowel(0.35f), controls(emotion));
    EXPECT_GT(lip_gap_mm(track.at(1)), 3.0f);
    track.step(closure(0.9f), controls(emotion));
    EXPECT_EQ(lip_gap_mm(track.at(1)), 0.0f) << emotion;
    track.step(closure(0.9f), controls(emotion));
    for (const float w : {0.0f, 0.3f, 0.7f, 1.0f}) EXPECT_EQ(lip_gap_mm(track.at(w)), 0.0f) << emotion;
  }
}

TEST(MotionTrack, expression_scale_scales_speech_and_keeps_closures) {
  talkrt_controls quiet = controls(), loud = controls();
  quiet.expression_scale = 0.5f;
  loud.expression_scale = 2.0f;
  MotionTrack a(full_manifest(), 1, false), b(full_manifest(), 1, false);
  a.step(vowel(0.3f), quiet);
  b.step(vowel(0.3f), loud);
  EXPECT_FLOAT_EQ(a.at(1)[jawOpen], 0.15f);
  EXPECT_FLOAT_EQ(b.at(1)[jawOpen], 0.6f);
  b.step(closure(1.0f), loud);
  EXPECT_EQ(lip_gap_mm(b.at(1)), 0.0f);
}

TEST(MotionTrack, after_a_cut_the_mouth_returns_within_100_ms_without_a_jump) {
  MotionTrack track(full_manifest(), 1, false);
  for (int i = 0; i < 10; ++i) track.step(vowel(0.4f), controls());
  track.cut();
  float before = 0.4f;
  for (int tick = 1; tick <= 5; ++tick) {
    track.step(SpeechRow{}, controls());
    const float now = track.at(1)[jawOpen];
    EXPECT_LT(now, before);
    EXPECT_LT(before - now, 0.2f);
    before = now;
  }
  EXPECT_EQ(before, 0.0f);
}

TEST(MotionTrack, head_motion_control_scales_the_head_and_nothing_else) {
  talkrt_controls none = controls();
  none.head_motion = 0;
  MotionTrack moving(full_manifest(), 9, true), still(full_manifest(), 9, true);
  for (int i = 0; i < 200; ++i) {
    moving.step(vowel(0.2f), controls());
    still.step(vowel(0.2f), none);
  }
  EXPECT_NE(moving.at(1)[headYaw], 0.0f);
  EXPECT_EQ(still.at(1)[headYaw], 0.0f);
  EXPECT_EQ(moving.at(1)[eyeBlinkLeft], still.at(1)[eyeBlinkLeft]);
}

TEST(MotionTrack, coefficients_stay_in_range_whatever_adds_up) {
  MotionTrack track(full_manifest(), 13, true);
  talkrt_controls c = controls(2);
  c.expression_scale = 2;
  c.blink = 1;
  for (int i = 0; i < 3000; ++i) {
    SpeechRow row = vowel(1.0f);
    row.frame[browInnerUp] = 1.0f;
    track.step(row, c);
    MotionFrame frame = track.at(0.5f);
    apply_controls(c, frame);
    for (int k = 0; k < kCoefficients; ++k) {
      ASSERT_GE(frame.values[static_cast<std::size_t>(k)], 0.0f);
      ASSERT_LE(frame.values[static_cast<std::size_t>(k)], 1.0f);
    }
  }
}

}  // namespace
}  // namespace talkrt::motion
