// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/expression.hpp"

#include <algorithm>

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {
namespace {

using enum Channel;

constexpr float kShareInSpeech = 0.42f;  // of an emotion's lower face: between vowels' .5 and consonants' .35
constexpr float kRoundingAgainstSmile = 0.7f, kRoundingAgainstFrown = 0.5f;
// Lips stay together behind a smile of this size, and come apart at the corners beyond.
constexpr float kClosedSmile = 0.5f, kClosedStretch = 0.3f;

// What shapes a closure itself, or opens the lips by millimetres: speech alone has it near p, b and m.
constexpr bool belongs_to_closures(Channel c) {
  switch (c) {
    case mouthClose:
    case mouthPressLeft:
    case mouthPressRight:
    case mouthRollLower:
    case mouthRollUpper:
    case mouthFunnel:
    case mouthPucker:
    case mouthUpperUpLeft:
    case mouthUpperUpRight:
    case mouthLowerDownLeft:
    case mouthLowerDownRight:
    case mouthShrugUpper:
    case jawOpen:
    case tongueOut:
      return true;
    default:
      return false;
  }
}

}  // namespace

Expression::Expression(const std::vector<plan::Emotion>& emotions, const std::vector<std::string>& channels)
    : fades_(emotions.size()) {
  for (const plan::Emotion& emotion : emotions) {
    Prototype prototype;
    for (const auto& [index, value] : emotion.channels) {
      prototype.channels.emplace_back(channel_named(channels[static_cast<std::size_t>(index)]).value(),
                                      value);
    }
    prototype.bearing = {emotion.head_motion, emotion.blink, emotion.head_pitch, emotion.head_yaw,
                         emotion.head_roll};
    prototypes_.push_back(std::move(prototype));
  }
}

void Expression::apply(const SpeechClaim& claim, MotionFrame& frame) const {
  // Two emotions in a cross-fade share a shape by its maximum: their sum would be a grimace.
  MotionFrame emotion;
  for (std::size_t e = 0; e < prototypes_.size(); ++e) {
    const auto weight = static_cast<float>(fades_[e]);
    for (const auto& [channel, value] : prototypes_[e].channels) {
      emotion[channel] = std::max(emotion[channel], weight * value);
    }
  }
  // A rounded mouth cannot smile, whoever asked for the smile.
  const float rounding = std::max(frame[mouthPucker], frame[mouthFunnel]);
  const float share = 1.0f - (1.0f - kShareInSpeech) * claim.talking;
  for (int i = 0; i < kCoefficients; ++i) {
    const auto channel = static_cast<Channel>(i);
    const float speech = frame[channel];
    float mask = is_lower_face(channel) ? share : 1.0f;
    float most = 1.0f;
    if (belongs_to_closures(channel)) mask *= 1.0f - claim.closure;
    if (channel == mouthSmileLeft || channel == mouthSmileRight) {
      mask *= 1.0f - kRoundingAgainstSmile * rounding;
      most = 1.0f - (1.0f - kClosedSmile) * claim.closure;
    } else if (channel == mouthFrownLeft || channel == mouthFrownRight) {
      mask *= 1.0f - kRoundingAgainstFrown * rounding;
    } else if (channel == mouthStretchLeft || channel == mouthStretchRight) {
      most = 1.0f - (1.0f - kClosedStretch) * claim.closure;
    }
    frame[channel] = std::min(speech + mask * emotion[channel], std::max(speech, most));
  }
}

Bearing Expression::bearing() const {
  Bearing sum;
  for (std::size_t e = 0; e < prototypes_.size(); ++e) {
    const Bearing& own = prototypes_[e].bearing;
    const double weight = fades_[e];
    sum.head_motion += weight * (own.head_motion - 1);
    sum.blink += weight * (own.blink - 1);
    sum.pitch += weight * own.pitch;
    sum.yaw += weight * own.yaw;
    sum.roll += weight * own.roll;
  }
  return sum;
}

}  // namespace talkrt::motion
