// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/idle.hpp"

#include <cmath>

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {
namespace {

constexpr double kInhale = 0.4;          // share of a breath
constexpr double kEyeStabilises = 0.85;  // of the head's own turning, so the gaze stays on the camera
constexpr double kBrowWithAccent = 0.2;  // of stressed syllables

}  // namespace

Idle::Idle(std::uint64_t seed, const plan::Idle& spec)
    : blinks_(seed, spec.blinks_per_minute),
      gaze_(seed, spec.gaze_share),
      head_(seed, spec.head_degrees),
      breath_random_(seed, Stream::breath),
      drift_random_(seed, Stream::drift),
      accent_random_(seed ^ 0x62726F77u, Stream::accent),
      drift_{Wander{0.3}, Wander{0.3}, Wander{0.25}, Wander{0.4}},
      breath_phase_(breath_random_.uniform()),
      breath_mean_(spec.breaths_per_minute / 60.0),
      breath_rate_(breath_mean_) {}

void Idle::step(double dt, const SpeechActivity& speech, const IdleStyle& style, MotionFrame& frame) {
  const auto add = [&frame](Channel channel, double value) { frame[channel] += static_cast<float>(value); };

  const HeadPose head = head_.step(dt, speech.talking(), speech.accent(), speech.onset());
  add(Channel::headPitch, style.head * head.pitch);
  add(Channel::headYaw, style.head * head.yaw);
  add(Channel::headRoll, style.head * head.roll);
  add(Channel::headX, style.head * head.x);
  add(Channel::headY, style.head * head.y);
  add(Channel::headZ, style.head * head.z);

  const double lids = blinks_.step(dt, style.blink * speech.blink_hazard());
  add(Channel::eyeBlinkLeft, lids);
  add(Channel::eyeBlinkRight, 0.98 * lids);  // equal lids look mechanical

  const Direction look = gaze_.step(dt);
  const double drift = 0.15 * drift_[3].step(dt, drift_random_);
  add(Channel::eyeYaw, look.yaw + drift - kEyeStabilises * style.head * head.yaw);
  // A blink turns the eyeball a little down.
  add(Channel::eyePitch, look.pitch + 0.5 * drift + 1.5 * lids - kEyeStabilises * style.head * head.pitch);

  if (speech.accent() && accent_random_.uniform() < kBrowWithAccent) {
    brow_.start(accent_random_.uniform(0.12, 0.3));
  }
  const double brow = brow_.step(dt) + 0.01 * (1 + drift_[1].step(dt, drift_random_));
  add(Channel::browInnerUp, brow);
  add(Channel::browOuterUpLeft, 0.8 * brow);
  add(Channel::browOuterUpRight, 0.75 * brow);

  add(Channel::jawOpen, 0.0025 * (1 + drift_[0].step(dt, drift_random_)));
  const double corner = 0.005 * (1 + drift_[2].step(dt, drift_random_));
  add(Channel::mouthSmileLeft, corner);
  add(Channel::mouthSmileRight, 0.9 * corner);

  breath_phase_ += dt * breath_rate_;
  if (breath_phase_ >= 1) {
    breath_phase_ -= 1;
    breath_rate_ = breath_mean_ * breath_random_.uniform(0.85, 1.15);
  }
  const double chest = breath_phase_ < kInhale ? half_cosine(breath_phase_ / kInhale)
                                               : 1 - half_cosine((breath_phase_ - kInhale) / (1 - kInhale));
  add(Channel::breath, chest);
  add(Channel::headPitch, -0.3 * style.head * chest);
}

}  // namespace talkrt::motion
