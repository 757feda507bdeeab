// SPDX-License-Identifier: Apache-2.0
//
// The few curves that faces move along.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

namespace talkrt::motion {

/// 0 to 1 for s in [0, 1], at rest at both ends (Flash and Hogan 1985).
[[nodiscard]] inline double min_jerk(double s) {
  s = std::clamp(s, 0.0, 1.0);
  return s * s * s * (10.0 + s * (6.0 * s - 15.0));
}

[[nodiscard]] inline double half_cosine(double s) {
  return 0.5 - 0.5 * std::cos(std::numbers::pi * std::clamp(s, 0.0, 1.0));
}

/// One movement out and back, at rest at both ends. A movement that is under way is finished first.
class Pulse {
 public:
  explicit Pulse(double seconds) : seconds_(seconds), elapsed_(seconds) {}

  void start(double amplitude) {
    if (elapsed_ < seconds_) return;
    amplitude_ = amplitude;
    elapsed_ = 0;
  }

  double step(double dt) {
    elapsed_ = std::min(elapsed_ + dt, seconds_);
    return amplitude_ * half_cosine(2 * std::min(elapsed_, seconds_ - elapsed_) / seconds_);
  }

 private:
  double seconds_, elapsed_, amplitude_ = 0;
};

/// Follows its input exponentially, with one time constant up and another down.
class Follower {
 public:
  Follower(double rise_s, double fall_s) : rise_(rise_s), fall_(fall_s) {}

  double step(double input, double dt) {
    value_ += (input - value_) * (1.0 - std::exp(-dt / (input > value_ ? rise_ : fall_)));
    return value_;
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  double rise_, fall_, value_ = 0;
};

}  // namespace talkrt::motion
