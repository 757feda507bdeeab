// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/channels.hpp"

#include <algorithm>
#include <array>

namespace talkrt::plan {
namespace {

constexpr std::array<std::string_view, 52> kCoefficients{
    "browDownLeft",      "browDownRight",      "browInnerUp",         "browOuterUpLeft",
    "browOuterUpRight",  "cheekPuff",          "cheekSquintLeft",     "cheekSquintRight",
    "eyeBlinkLeft",      "eyeBlinkRight",      "eyeLookDownLeft",     "eyeLookDownRight",
    "eyeLookInLeft",     "eyeLookInRight",     "eyeLookOutLeft",      "eyeLookOutRight",
    "eyeLookUpLeft",     "eyeLookUpRight",     "eyeSquintLeft",       "eyeSquintRight",
    "eyeWideLeft",       "eyeWideRight",       "jawForward",          "jawLeft",
    "jawOpen",           "jawRight",           "mouthClose",          "mouthDimpleLeft",
    "mouthDimpleRight",  "mouthFrownLeft",     "mouthFrownRight",     "mouthFunnel",
    "mouthLeft",         "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight",   "mouthPucker",        "mouthRight",          "mouthRollLower",
    "mouthRollUpper",    "mouthShrugLower",    "mouthShrugUpper",     "mouthSmileLeft",
    "mouthSmileRight",   "mouthStretchLeft",   "mouthStretchRight",   "mouthUpperUpLeft",
    "mouthUpperUpRight", "noseSneerLeft",      "noseSneerRight",      "tongueOut"};

constexpr std::array<std::string_view, 9> kPose{"headPitch", "headYaw",  "headRoll", "headX", "headY",
                                                "headZ",     "eyePitch", "eyeYaw",   "breath"};

}  // namespace

bool is_coefficient(std::string_view channel) {
  return std::find(kCoefficients.begin(), kCoefficients.end(), channel) != kCoefficients.end();
}

bool is_channel(std::string_view channel) {
  return is_coefficient(channel) || std::find(kPose.begin(), kPose.end(), channel) != kPose.end();
}

}  // namespace talkrt::plan
