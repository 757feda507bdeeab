// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/controls.hpp"

#include <cstdio>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::motion {
namespace {

void check_range(const char* field, float value, float least, float most) {
  if (value >= least && value <= most) return;  // NaN fails, too
  char text[160];
  std::snprintf(text, sizeof text, "controls.%s is %g, expected %g to %g", field, static_cast<double>(value),
                static_cast<double>(least), static_cast<double>(most));
  throw Error(TALKRT_ERROR_INVALID_ARGUMENT, text);
}

}  // namespace

talkrt_controls default_controls() {
  talkrt_controls controls{};
  controls.struct_size = sizeof controls;
  controls.emotion_intensity = 1.0f;
  controls.head_distance = 1.0f;
  controls.head_motion = 1.0f;
  controls.expression_scale = 1.0f;
  return controls;
}

void check_controls(const talkrt_controls& c, int emotions) {
  if (c.emotion < 0 || c.emotion >= emotions) {
    throw Error(TALKRT_ERROR_NOT_FOUND, "controls.emotion is " + std::to_string(c.emotion) +
                                            ", this model has 0 to " + std::to_string(emotions - 1));
  }
  check_range("emotion_intensity", c.emotion_intensity, 0, 1);
  check_range("gaze_yaw", c.gaze_yaw, -30, 30);
  check_range("gaze_pitch", c.gaze_pitch, -30, 30);
  check_range("head_yaw", c.head_yaw, -60, 60);
  check_range("head_pitch", c.head_pitch, -60, 60);
  check_range("head_roll", c.head_roll, -60, 60);
  check_range("head_distance", c.head_distance, 0.5f, 4);
  check_range("head_motion", c.head_motion, 0, 2);
  check_range("blink", c.blink, 0, 1);
  check_range("expression_scale", c.expression_scale, 0, 2);
}

void apply_controls(const talkrt_controls& c, MotionFrame& frame) {
  frame[Channel::eyeYaw] += c.gaze_yaw;
  frame[Channel::eyePitch] += c.gaze_pitch;
  frame[Channel::headYaw] += c.head_yaw;
  frame[Channel::headPitch] += c.head_pitch;
  frame[Channel::headRoll] += c.head_roll;
  frame[Channel::eyeBlinkLeft] += c.blink;
  frame[Channel::eyeBlinkRight] += c.blink;
  frame.clamp();
}

}  // namespace talkrt::motion
