// SPDX-License-Identifier: Apache-2.0
//
// What crosses from the audio side to the image side: one value for every channel that can drive a rig.
// Names, units and signs are those of export/FORMAT.md section 4.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace talkrt::motion {

// clang-format off: a region of the face a line
enum class Channel : std::uint8_t {
  browInnerUp, browDownLeft, browDownRight, browOuterUpLeft, browOuterUpRight,
  eyeBlinkLeft, eyeBlinkRight, eyeSquintLeft, eyeSquintRight, eyeWideLeft, eyeWideRight,
  eyeLookUpLeft, eyeLookUpRight, eyeLookDownLeft, eyeLookDownRight,
  eyeLookInLeft, eyeLookInRight, eyeLookOutLeft, eyeLookOutRight,
  cheekPuff, cheekSquintLeft, cheekSquintRight, noseSneerLeft, noseSneerRight,
  jawOpen, jawForward, jawLeft, jawRight,
  mouthClose, mouthFunnel, mouthPucker, mouthLeft, mouthRight, mouthSmileLeft, mouthSmileRight,
  mouthFrownLeft, mouthFrownRight, mouthDimpleLeft, mouthDimpleRight, mouthStretchLeft, mouthStretchRight,
  mouthRollLower, mouthRollUpper, mouthShrugLower, mouthShrugUpper, mouthPressLeft, mouthPressRight,
  mouthLowerDownLeft, mouthLowerDownRight, mouthUpperUpLeft, mouthUpperUpRight, tongueOut,
  headPitch, headYaw, headRoll, headX, headY, headZ, eyePitch, eyeYaw, breath,
};

inline constexpr int kCoefficients = 52;  // the ARKit ones, 0 to 1; they come first
inline constexpr int kChannels = 61;

inline constexpr std::array<std::string_view, kChannels> kChannelNames{
    "browInnerUp", "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight",
    "jawOpen", "jawForward", "jawLeft", "jawRight",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft",
    "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "tongueOut",
    "headPitch", "headYaw", "headRoll", "headX", "headY", "headZ", "eyePitch", "eyeYaw", "breath"};
// clang-format on

[[nodiscard]] constexpr std::optional<Channel> channel_named(std::string_view name) {
  for (int i = 0; i < kChannels; ++i) {
    if (kChannelNames[static_cast<std::size_t>(i)] == name) return static_cast<Channel>(i);
  }
  return std::nullopt;
}

/// What speech drives, so what an emotion must share with it.
[[nodiscard]] constexpr bool is_lower_face(Channel channel) {
  const auto name = kChannelNames[static_cast<std::size_t>(channel)];
  return name.starts_with("mouth") || name.starts_with("jaw") || name.starts_with("tongue");
}

struct MotionFrame {
  std::array<float, kChannels> values{};

  [[nodiscard]] float& operator[](Channel c) { return values[static_cast<std::size_t>(c)]; }
  [[nodiscard]] float operator[](Channel c) const { return values[static_cast<std::size_t>(c)]; }

  /// Coefficients and breath stay in [0, 1]; angles and metres have no bound here.
  void clamp() {
    for (std::size_t i = 0; i < kCoefficients; ++i) values[i] = std::clamp(values[i], 0.0f, 1.0f);
    (*this)[Channel::breath] = std::clamp((*this)[Channel::breath], 0.0f, 1.0f);
  }
};

[[nodiscard]] inline MotionFrame lerp(const MotionFrame& a, const MotionFrame& b, float weight) {
  MotionFrame out;
  for (std::size_t i = 0; i < kChannels; ++i) {
    out.values[i] = a.values[i] + weight * (b.values[i] - a.values[i]);
  }
  return out;
}

}  // namespace talkrt::motion
