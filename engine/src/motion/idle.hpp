// SPDX-License-Identifier: Apache-2.0
//
// Life that does not come from the words: blinks, gaze, head, breath, and never being exactly still.
#pragma once

#include <array>

#include "engine/src/motion/blinks.hpp"
#include "engine/src/motion/gaze.hpp"
#include "engine/src/motion/head.hpp"
#include "engine/src/motion/motion_frame.hpp"
#include "engine/src/motion/speech_activity.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

/// How the host and the emotion scale it.
struct IdleStyle {
  double head = 1;   // size of head motion
  double blink = 1;  // rate of blinks
};

class Idle {
 public:
  Idle(std::uint64_t seed, const plan::Idle& spec);

  /// Advances by one tick and adds itself to the frame.
  void step(double dt, const SpeechActivity& speech, const IdleStyle& style, MotionFrame& frame);

 private:
  Blinks blinks_;
  Gaze gaze_;
  HeadMotion head_;
  RandomStream breath_random_, drift_random_, accent_random_;
  std::array<Wander, 4> drift_;                      // jaw, brow, lip corner, eye
  Pulse brow_{0.55};                                 // seconds
  double breath_phase_, breath_mean_, breath_rate_;  // of a cycle; cycles per second
};

}  // namespace talkrt::motion
