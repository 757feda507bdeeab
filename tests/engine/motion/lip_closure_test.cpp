// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/lip_closure.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/src/motion/random_stream.hpp"

namespace talkrt::motion {
namespace {

using enum Channel;

MotionFrame random_face(RandomStream& random) {
  MotionFrame frame;
  for (std::size_t i = 0; i < kCoefficients; ++i) frame.values[i] = static_cast<float>(random.uniform());
  return frame;
}

TEST(LipClosure, gap_is_the_linear_formula_in_millimetres) {
  MotionFrame frame;
  frame[jawOpen] = 0.3f;
  EXPECT_NEAR(lip_gap_mm(frame), 9.9f, 1e-4f);
  frame[mouthClose] = 0.1f;
  frame[mouthFunnel] = 0.2f;
  frame[mouthLowerDownLeft] = frame[mouthLowerDownRight] = 0.5f;
  EXPECT_NEAR(lip_gap_mm(frame), 9.9f - 3.9f + 2.74f + 3.4f, 1e-4f);
  frame[mouthUpperUpLeft] = 0.5f;  // one half of a pair counts half
  EXPECT_NEAR(lip_gap_mm(frame), 12.14f + 0.5f * 7.1f * 0.5f, 1e-4f);
}

TEST(LipClosure, strength_rises_from_three_to_six_tenths) {
  EXPECT_EQ(closure_strength(0.3f), 0.0f);
  EXPECT_NEAR(closure_strength(0.45f), 0.5f, 1e-6f);
  EXPECT_EQ(closure_strength(0.6f), 1.0f);
  EXPECT_EQ(closure_strength(1.0f), 1.0f);
}

TEST(LipClosure, full_strength_closes_any_face) {
  RandomStream random(7, Stream::drift);
  for (int i = 0; i < 2000; ++i) {
    MotionFrame frame = random_face(random);
    close_lips(frame, 1.0f);
    EXPECT_EQ(lip_gap_mm(frame), 0.0f);
    EXPECT_EQ(frame[tongueOut], 0.0f);
  }
}

TEST(LipClosure, mouth_close_never_passes_jaw_open) {
  RandomStream random(8, Stream::drift);
  for (int i = 0; i < 2000; ++i) {
    MotionFrame frame = random_face(random);
    close_lips(frame, static_cast<float>(random.uniform()));
    EXPECT_LE(frame[mouthClose], frame[jawOpen] + 1e-6f);
  }
}

TEST(LipClosure, the_gap_only_falls_as_strength_rises) {
  RandomStream random(9, Stream::drift);
  for (int i = 0; i < 200; ++i) {
    const MotionFrame face = random_face(random);
    float before = 1e9f;
    for (float strength = 0; strength <= 1; strength += 0.125f) {
      MotionFrame frame = face;
      close_lips(frame, strength);
      EXPECT_LE(lip_gap_mm(frame), before + 1e-3f);
      before = lip_gap_mm(frame);
    }
  }
}

TEST(LipClosure, no_strength_leaves_an_ordinary_face_alone) {
  MotionFrame frame;
  frame[jawOpen] = 0.3f;
  frame[mouthClose] = 0.1f;
  frame[mouthPucker] = 0.4f;
  const MotionFrame before = frame;
  close_lips(frame, 0.0f);
  EXPECT_EQ(frame.values, before.values);
}

// Numbers that export/gaussian/speech/lip_rules.py gives for the same face.
TEST(LipClosure, half_strength_equals_the_exporters_rule) {
  MotionFrame frame;
  frame[jawOpen] = 0.4f;
  frame[mouthClose] = 0.1f;
  frame[mouthFunnel] = 0.2f;
  frame[mouthRollLower] = 0.1f;
  frame[mouthRollUpper] = 0.3f;
  close_lips(frame, 0.5f);
  EXPECT_NEAR(frame[jawOpen], 0.25f, 1e-6f);
  EXPECT_NEAR(frame[mouthClose], 0.175f, 1e-6f);
  EXPECT_NEAR(frame[mouthFunnel], 0.1f, 1e-6f);
  EXPECT_NEAR(frame[mouthRollUpper], 0.2f, 1e-6f);
}

TEST(LipClosure, a_frame_between_two_closed_ones_is_closed) {
  RandomStream random(10, Stream::drift);
  for (int i = 0; i < 500; ++i) {
    MotionFrame a = random_face(random), b = random_face(random);
    close_lips(a, 1.0f);
    close_lips(b, 1.0f);
    EXPECT_EQ(lip_gap_mm(lerp(a, b, static_cast<float>(random.uniform()))), 0.0f);
  }
}

}  // namespace
}  // namespace talkrt::motion
