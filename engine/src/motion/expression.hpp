// SPDX-License-Identifier: Apache-2.0
//
// Emotions: fades between them, and how a face wears one while it speaks. The upper face adds up; the
// lower face gives way to the words.
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/src/motion/emotion_fades.hpp"
#include "engine/src/motion/motion_frame.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

/// What an emotion does beside the face.
struct Bearing {
  double head_motion = 1, blink = 1;    // scales
  double pitch = 0, yaw = 0, roll = 0;  // degrees
};

/// How much of the lower face speech claims at this tick.
struct SpeechClaim {
  float talking = 0;  // 0 silent, 1 in the middle of speech
  float closure = 0;  // 0 to 1, near a closure of the lips
};

class Expression {
 public:
  /// `channels` are the rig's, which the emotions of the manifest index.
  Expression(const std::vector<plan::Emotion>& emotions, const std::vector<std::string>& channels);

  /// Advances the fade towards `emotion` at `intensity`. The first call ever starts there.
  void step(double dt, int emotion, float intensity) { fades_.step(dt, emotion, intensity); }

  /// Puts the present expression on top of what speech does.
  void apply(const SpeechClaim& claim, MotionFrame& frame) const;
  [[nodiscard]] Bearing bearing() const;

 private:
  struct Prototype {
    std::vector<std::pair<Channel, float>> channels;
    Bearing bearing;
  };

  std::vector<Prototype> prototypes_;
  EmotionFades fades_;  // one for each prototype
};

}  // namespace talkrt::motion
