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

/// A critically damped spring at rest at 0, stepped exactly: stable for any step.
class Spring {
 public:
  explicit Spring(double hertz) : omega_(2.0 * std::numbers::pi * hertz) {}

  /// A kick whose response peaks at `amplitude`, 1 / (2 pi hertz) seconds later.
  void kick(double amplitude) { velocity_ += amplitude * omega_ * std::numbers::e; }

  double step(double dt) {
    const double decay = std::exp(-omega_ * dt), drive = velocity_ + omega_ * value_;
    value_ = (value_ + drive * dt) * decay;
    velocity_ = (velocity_ - omega_ * drive * dt) * decay;
    return value_;
  }

 private:
  double omega_, value_ = 0, velocity_ = 0;
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
