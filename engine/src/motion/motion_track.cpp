// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/motion_track.hpp"

#include <algorithm>

#include "engine/src/motion/curves.hpp"
#include "engine/src/motion/lip_closure.hpp"

namespace talkrt::motion {
namespace {

constexpr double kReturn = 0.1;         // seconds from a cut to the new speech
constexpr double kGuardRelease = 0.06;  // seconds in which an emotion comes back after a closure

}  // namespace

MotionTrack::MotionTrack(const plan::Manifest& manifest, std::uint64_t seed, bool idle)
    : dt_(static_cast<double>(manifest.motion->step_samples) / manifest.sample_rate),
      idle_on_(idle),
      expression_(manifest.motion->emotions, manifest.gaussian->channels),
      idle_(seed, manifest.motion->idle) {}

void MotionTrack::cut() {
  if (!started_) return;
  returning_from_ = speech_;
  return_ticks_ = std::max(1, static_cast<int>(kReturn / dt_ + 1e-9));
  returned_ = 0;
}

void MotionTrack::step(const SpeechRow& row, const talkrt_controls& controls) {
  SpeechRow speech = row;
  for (float& value : speech.frame.values) value = std::min(value * controls.expression_scale, 1.0f);
  if (returned_ < return_ticks_) {
    const auto weight = static_cast<float>(half_cosine(static_cast<double>(++returned_) / return_ticks_));
    speech.frame = lerp(returning_from_.frame, speech.frame, weight);
    speech.closure = returning_from_.closure + weight * (speech.closure - returning_from_.closure);
    speech.energy = returning_from_.energy + weight * (speech.energy - returning_from_.energy);
  }
  speech_ = speech;

  const float closure = closure_strength(speech.closure);
  closure_guard_ = std::max(closure, closure_guard_ - static_cast<float>(dt_ / kGuardRelease));
  activity_.step(speech.energy, dt_);
  expression_.step(dt_, controls.emotion, controls.emotion_intensity);

  MotionFrame frame = speech.frame;
  expression_.apply({static_cast<float>(activity_.talking()), closure_guard_}, frame);
  const Bearing bearing = expression_.bearing();
  frame[Channel::headPitch] += static_cast<float>(bearing.pitch);
  frame[Channel::headYaw] += static_cast<float>(bearing.yaw);
  frame[Channel::headRoll] += static_cast<float>(bearing.roll);
  if (idle_on_) {
    idle_.step(dt_, activity_, {controls.head_motion * bearing.head_motion, bearing.blink}, frame);
  }
  frame.clamp();
  close_lips(frame, closure);  // last, so that nothing above can part lips that speech closes

  previous_ = started_ ? current_ : frame;
  current_ = frame;
  started_ = true;
}

}  // namespace talkrt::motion
