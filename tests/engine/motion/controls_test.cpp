// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/controls.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::motion {
namespace {

using Field = float talkrt_controls::*;

struct Range {
  const char* name;
  Field field;
  float least, most;
};

constexpr Range kRanges[] = {
    {"emotion_intensity", &talkrt_controls::emotion_intensity, 0, 1},
    {"gaze_yaw", &talkrt_controls::gaze_yaw, -30, 30},
    {"gaze_pitch", &talkrt_controls::gaze_pitch, -30, 30},
    {"head_yaw", &talkrt_controls::head_yaw, -60, 60},
    {"head_pitch", &talkrt_controls::head_pitch, -60, 60},
    {"head_roll", &talkrt_controls::head_roll, -60, 60},
    {"head_distance", &talkrt_controls::head_distance, 0.5f, 4},
    {"head_motion", &talkrt_controls::head_motion, 0, 2},
    {"blink", &talkrt_controls::blink, 0, 1},
    {"expression_scale", &talkrt_controls::expression_scale, 0, 2},
};

TEST(Controls, the_ends_of_every_range_are_taken_and_what_is_beyond_is_refused_by_name) {
  for (const Range& range : kRanges) {
    for (const float good : {range.least, range.most}) {
      talkrt_controls c = default_controls();
      c.*range.field = good;
      EXPECT_NO_THROW(check_controls(c, 8)) << range.name;
    }
    for (const float bad :
         {range.least - 0.01f, range.most + 0.01f, std::numeric_limits<float>::quiet_NaN()}) {
      talkrt_controls c = default_controls();
      c.*range.field = bad;
      try {
        check_controls(c, 8);
        ADD_FAILURE() << range.name << " = " << bad << " was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), TALKRT_ERROR_INVALID_ARGUMENT);
        EXPECT_NE(std::string(error.what()).find(range.name), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("expected"), std::string::npos) << error.what();
      }
    }
  }
}

TEST(Controls, an_emotion_that_the_model_lacks_is_not_found) {
  for (const int emotion : {-1, 8}) {
    talkrt_controls c = default_controls();
    c.emotion = emotion;
    try {
      check_controls(c, 8);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_NOT_FOUND);
    }
  }
}

TEST(Controls, they_add_to_the_face) {
  MotionFrame frame;
  frame[Channel::headYaw] = 1;
  frame[Channel::eyeBlinkLeft] = 0.6f;
  talkrt_controls c = default_controls();
  c.head_yaw = 10;
  c.gaze_pitch = -5;
  c.blink = 0.5f;
  apply_controls(c, frame);
  EXPECT_FLOAT_EQ(frame[Channel::headYaw], 11);
  EXPECT_FLOAT_EQ(frame[Channel::eyePitch], -5);
  EXPECT_FLOAT_EQ(frame[Channel::eyeBlinkLeft], 1);
  EXPECT_FLOAT_EQ(frame[Channel::eyeBlinkRight], 0.5f);
}

}  // namespace
}  // namespace talkrt::motion
