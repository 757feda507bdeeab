// SPDX-License-Identifier: Apache-2.0
//
// The face over time: one tick for each row of speech motion, and anything between two ticks by linear
// interpolation. Linear, because it keeps closed lips closed between two closed ticks and needs no tick
// beyond the one after the frame.
#pragma once

#include <cstdint>

#include "engine/src/motion/controls.hpp"
#include "engine/src/motion/expression.hpp"
#include "engine/src/motion/idle.hpp"
#include "engine/src/motion/motion_frame.hpp"
#include "engine/src/motion/speech_activity.hpp"
#include "engine/src/motion/speech_motion.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

class MotionTrack {
 public:
  MotionTrack(const plan::Manifest& manifest, std::uint64_t seed, bool idle);

  /// Advances by one tick.
  void step(const SpeechRow& speech, const talkrt_controls& controls);

  /// Speech was cut off: over the next 100 ms the mouth passes from where it is to what the next rows say.
  /// Everything that is not speech goes on without a jump.
  void cut();

  /// weight 0: the tick before the last one, 1: the last one.
  [[nodiscard]] MotionFrame at(float weight) const { return lerp(previous_, current_, weight); }

 private:
  double dt_;  // seconds between ticks
  bool idle_on_;
  Expression expression_;
  Idle idle_;
  SpeechActivity activity_;
  SpeechRow speech_;  // as it was shown at the last tick
  SpeechRow returning_from_;
  int return_ticks_ = 0, returned_ = 0;
  float closure_guard_ = 0;  // 1 at a closure, then fading
  bool started_ = false;
  MotionFrame previous_, current_;
};

}  // namespace talkrt::motion
