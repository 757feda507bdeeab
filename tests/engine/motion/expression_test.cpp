// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/expression.hpp"

#include <gtest/gtest.h>

#include "engine/src/motion/lip_closure.hpp"
#include "tests/engine/motion/manifest_fixture.hpp"

namespace talkrt::motion {
namespace {

using enum Channel;
constexpr double kTick = 0.02;

Expression expression() {
  const plan::Manifest manifest = full_manifest();
  return {manifest.motion->emotions, manifest.gaussian->channels};
}

MotionFrame shown(const Expression& expression, const SpeechClaim& claim = {}) {
  MotionFrame frame;
  expression.apply(claim, frame);
  return frame;
}

TEST(Expression, the_first_emotion_is_there_at_once) {
  Expression face = expression();
  face.step(kTick, 1, 1.0f);
  EXPECT_FLOAT_EQ(shown(face)[cheekSquintLeft], 0.5f);
}

TEST(Expression, a_change_takes_half_a_second_and_never_jumps) {
  Expression face = expression();
  face.step(kTick, 0, 1.0f);
  float before = 0;
  for (int tick = 1; tick <= 25; ++tick) {
    face.step(kTick, 1, 1.0f);
    const float now = shown(face)[cheekSquintLeft];
    EXPECT_GE(now, before);
    EXPECT_LT(now - before, 0.05f);
    before = now;
  }
  EXPECT_FLOAT_EQ(before, 0.5f);
}

TEST(Expression, a_change_of_mind_starts_from_where_the_face_is) {
  Expression face = expression();
  face.step(kTick, 0, 1.0f);
  for (int tick = 0; tick < 12; ++tick) face.step(kTick, 1, 1.0f);
  const float at_turn = shown(face)[cheekSquintLeft];
  face.step(kTick, 0, 1.0f);
  EXPECT_NEAR(shown(face)[cheekSquintLeft], at_turn, 0.02f);
}

TEST(Expression, intensity_scales_it) {
  Expression face = expression();
  face.step(kTick, 1, 0.5f);
  EXPECT_FLOAT_EQ(shown(face)[cheekSquintLeft], 0.25f);
  EXPECT_FLOAT_EQ(shown(face)[mouthSmileLeft], 0.3f);
}

TEST(Expression, the_lower_face_gives_way_to_speech_and_the_upper_does_not) {
  Expression face = expression();
  face.step(kTick, 1, 1.0f);
  const MotionFrame silent = shown(face, {0, 0}), talking = shown(face, {1, 0});
  EXPECT_FLOAT_EQ(silent[mouthSmileLeft], 0.6f);
  EXPECT_LT(talking[mouthSmileLeft], 0.5f * silent[mouthSmileLeft]);
  EXPECT_FLOAT_EQ(talking[cheekSquintLeft], silent[cheekSquintLeft]);
}

TEST(Expression, a_rounded_mouth_hardly_smiles) {
  Expression face = expression();
  face.step(kTick, 1, 1.0f);
  MotionFrame frame;
  frame[mouthPucker] = 0.8f;
  face.apply({0, 0}, frame);
  EXPECT_NEAR(frame[mouthSmileLeft], 0.6f * (1 - 0.7f * 0.8f), 1e-5f);
}

TEST(Expression, no_emotion_parts_lips_that_speech_closes) {
  for (const int emotion : {0, 1, 2}) {
    Expression face = expression();
    face.step(kTick, emotion, 1.0f);
    for (const float jaw : {0.0f, 0.06f, 0.3f}) {
      MotionFrame frame;
      frame[jawOpen] = jaw;
      frame[mouthClose] = 0.5f * jaw;
      face.apply({1, 1}, frame);
      EXPECT_LE(frame[mouthSmileLeft], 0.5f);
      EXPECT_LE(frame[mouthStretchLeft], 0.3f);
      close_lips(frame, 1.0f);
      EXPECT_EQ(lip_gap_mm(frame), 0.0f) << emotion;
    }
  }
}

TEST(Expression, an_emotion_carries_the_head) {
  Expression face = expression();
  face.step(kTick, 1, 0.5f);
  EXPECT_DOUBLE_EQ(face.bearing().pitch, 2.0);
  EXPECT_DOUBLE_EQ(face.bearing().head_motion, 1.25);
}

}  // namespace
}  // namespace talkrt::motion
