// SPDX-License-Identifier: Apache-2.0
//
// What each control does to a portrait's keypoints. x right in the picture, which is the face's own left; y
// down; z into the picture.
#include "engine/src/motion/face_composition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/src/motion/controls.hpp"
#include "engine/src/motion/face_sliders.hpp"

namespace talkrt::motion {
namespace {

constexpr int kPupilLeft = 15, kPupilRight = 11, kLowerLip = 19, kLipCorner = 14, kNose = 0;

SourceFace face() {
  SourceFace out;
  for (int k = 0; k < kKeypoints; ++k) {
    const auto at = static_cast<std::size_t>(3 * k);
    out.canonical[at] = 0.03f * static_cast<float>(k % 7 - 3);
    out.canonical[at + 1] = 0.04f * static_cast<float>(k / 7 - 1);
    out.canonical[at + 2] = 0.01f * static_cast<float>(k % 5);
    out.expression[at] = 0.001f * static_cast<float>(k);
  }
  // The tip of the nose stands out of the face.
  out.canonical[0] = out.canonical[1] = 0;
  out.canonical[2] = -0.2f;
  out.rotation = rotation_of({0, 0, 0});
  out.scale = 1.5f;
  out.translation = {0.1f, 0.05f, 0.4f};
  out.keypoints = transformed(out.canonical, out.rotation, out.expression, out.scale, out.translation);
  return out;
}

FaceMotion motion(float amount) {
  FaceMotion out;
  for (std::size_t i = 0; i < out.expression.size(); ++i)
    out.expression[i] = amount * 0.01f * std::sin(0.7f * static_cast<float>(i));
  out.scale = 1.2f + 0.1f * amount;
  out.translation = {0.02f * amount, 0.01f, 0.3f};
  out.angles = {5 * amount, -3 * amount, 2 * amount};
  return out;
}

struct Moved {
  Keypoints by;
  float operator()(int keypoint, int axis) const { return by[static_cast<std::size_t>(3 * keypoint + axis)]; }
};

/// What a change of controls does, with motion going on.
template <class F>
Moved moved(F&& change, const Keypoints& emotion = {}) {
  const SourceFace source = face();
  talkrt_controls controls = default_controls();
  const Keypoints before = composed(source, motion(0), motion(1), controls, {});
  change(controls);
  Keypoints after = composed(source, motion(0), motion(1), controls, emotion);
  for (std::size_t i = 0; i < after.size(); ++i) after[i] -= before[i];
  return {after};
}

TEST(FaceComposition, the_first_frame_is_the_portrait_but_for_the_lips) {
  const SourceFace source = face();
  const Keypoints found = composed(source, motion(1), motion(1), default_controls(), {});
  const Keypoints& generated = motion(1).expression;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const int k = static_cast<int>(i / 3);
    const bool lip = std::find(kLips.begin(), kLips.end(), k) != kLips.end();
    const float change = lip ? generated[i] - source.expression[i] : 0.0f;
    EXPECT_NEAR(found[i], source.keypoints[i] + source.scale * change, 1e-6f) << "number " << i;
  }
}

TEST(FaceComposition, the_head_turns_to_the_own_left_nods_down_and_raises_the_own_left_ear) {
  EXPECT_GT(moved([](auto& c) { c.head_yaw = 20; })(kNose, 0), 0.05f);
  EXPECT_GT(moved([](auto& c) { c.head_pitch = 20; })(kNose, 1), 0.05f);
  const SourceFace source = face();
  int left_most = 0;
  for (int k = 0; k < kKeypoints; ++k) {
    if (source.canonical[static_cast<std::size_t>(3 * k)] >
        source.canonical[static_cast<std::size_t>(3 * left_most)])
      left_most = k;
  }
  EXPECT_LT(moved([](auto& c) { c.head_roll = 20; })(left_most, 1), -0.02f);
}

TEST(FaceComposition, twice_the_distance_is_half_the_size) {
  const SourceFace source = face();
  talkrt_controls controls = default_controls();
  const Keypoints near = composed(source, motion(0), motion(1), controls, {});
  controls.head_distance = 2;
  const Keypoints far = composed(source, motion(0), motion(1), controls, {});
  EXPECT_NEAR(far[3] - far[30], (near[3] - near[30]) / 2, 1e-6f);
  EXPECT_NEAR(far[4] - far[31], (near[4] - near[31]) / 2, 1e-6f);
}

TEST(FaceComposition, head_motion_and_expression_scale_measure_how_far_speech_goes) {
  const SourceFace source = face();
  talkrt_controls controls = default_controls();
  controls.head_motion = 0;
  controls.expression_scale = 0;
  const Keypoints still = composed(source, motion(0), motion(1), controls, {});
  for (std::size_t i = 0; i < still.size(); ++i) EXPECT_NEAR(still[i], source.keypoints[i], 1e-6f) << i;
  controls.head_motion = controls.expression_scale = 0.5f;
  const Keypoints half = composed(source, motion(0), motion(1), controls, {});
  const Keypoints whole = composed(source, motion(0), motion(1), default_controls(), {});
  const auto lip = static_cast<std::size_t>(3 * kLowerLip + 1);
  EXPECT_GT(std::abs(whole[lip] - still[lip]), std::abs(half[lip] - still[lip]));
  EXPECT_GT(std::abs(half[0] - still[0]), 0.0f);
}

TEST(FaceComposition, gaze_moves_the_eyes_alone_and_the_nearer_one_less) {
  const Moved left = moved([](auto& c) { c.gaze_yaw = 20; });
  EXPECT_GT(left(kPupilLeft, 0), 0.001f);
  EXPECT_GT(left(kPupilRight, 0), 0.001f);
  EXPECT_GT(left(kPupilLeft, 0), left(kPupilRight, 0));
  EXPECT_EQ(left(kLowerLip, 0), 0.0f);
  const Moved right = moved([](auto& c) { c.gaze_yaw = -20; });
  EXPECT_NEAR(right(kPupilRight, 0), -left(kPupilLeft, 0), 1e-6f);
  const Moved down = moved([](auto& c) { c.gaze_pitch = 20; });
  EXPECT_GT(down(kPupilLeft, 1), 0.001f);
  EXPECT_EQ(down(kPupilLeft, 0), 0.0f);
}

TEST(FaceComposition, a_blink_brings_upper_and_lower_lids_together) {
  const Moved shut = moved([](auto& c) { c.blink = 1; });
  for (const int upper : {11, 15}) EXPECT_NEAR(shut(upper, 1), 1.625f * 0.02f, 1e-4f);
  for (const int lower : {13, 16}) EXPECT_NEAR(shut(lower, 1), -1.625f * 0.006f, 1e-4f);
  EXPECT_NEAR(moved([](auto& c) { c.blink = 0.5f; })(11, 1), shut(11, 1) / 2, 1e-5f);
}

TEST(FaceComposition, emotions_differ_and_each_does_what_it_is_called) {
  const auto worn = [](std::size_t e) { return moved([](auto&) {}, emotion_offset(e)); };
  for (int k = 0; k < kKeypoints; ++k) {
    for (int axis = 0; axis < 3; ++axis) EXPECT_EQ(worn(0)(k, axis), 0.0f);
  }
  ASSERT_EQ(kEmotions[1], "happy");
  EXPECT_LT(worn(1)(kLipCorner, 1), -0.01f);  // up
  ASSERT_EQ(kEmotions[2], "sad");
  EXPECT_GT(worn(2)(kLipCorner, 1), 0.001f);
  ASSERT_EQ(kEmotions[4], "surprised");
  EXPECT_GT(worn(4)(kLowerLip, 1), 0.01f);  // the mouth opens
  EXPECT_LT(worn(4)(kPupilLeft, 1), 0.0f);  // so do the eyes
  for (std::size_t a = 0; a < kEmotions.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) EXPECT_NE(worn(a).by, worn(b).by) << kEmotions[a] << kEmotions[b];
  }
}

}  // namespace
}  // namespace talkrt::motion
