// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/lip_closure.hpp"

#include <algorithm>
#include <array>

namespace talkrt::motion {
namespace {

using enum Channel;

constexpr float kFrom = 0.3f, kFull = 0.6f;  // of the probability
constexpr float kClosedJaw = 0.10f;          // a wider jaw is not seen behind closed lips in speech

constexpr std::array kOpeners{mouthFunnel,         mouthUpperUpLeft, mouthUpperUpRight, mouthLowerDownLeft,
                              mouthLowerDownRight, mouthShrugUpper,  tongueOut};

float mean(const MotionFrame& frame, Channel a, Channel b) { return 0.5f * (frame[a] + frame[b]); }

}  // namespace

float lip_gap_mm(const MotionFrame& f) {
  const float gap = 33.0f * f[jawOpen] - 39.0f * f[mouthClose] + 13.7f * f[mouthFunnel] -
                    0.5f * f[mouthPucker] + 7.1f * mean(f, mouthUpperUpLeft, mouthUpperUpRight) +
                    6.8f * mean(f, mouthLowerDownLeft, mouthLowerDownRight) - 3.7f * f[mouthRollLower] +
                    1.8f * f[mouthRollUpper] - 2.5f * mean(f, mouthPressLeft, mouthPressRight) -
                    6.9f * f[mouthShrugLower] + 5.3f * f[mouthShrugUpper];
  return std::max(gap, 0.0f);
}

float closure_strength(float probability) {
  return std::clamp((probability - kFrom) / (kFull - kFrom), 0.0f, 1.0f);
}

void close_lips(MotionFrame& f, float strength) {
  const float keep = 1.0f - strength;
  const float jaw = keep * f[jawOpen] + strength * std::min(f[jawOpen], kClosedJaw);
  f[mouthClose] = keep * std::min(f[mouthClose], jaw) + strength * jaw;
  f[jawOpen] = jaw;
  for (const Channel opener : kOpeners) f[opener] *= keep;
  f[mouthRollUpper] = std::min(f[mouthRollUpper], keep * f[mouthRollUpper] + strength * f[mouthRollLower]);
}

}  // namespace talkrt::motion
