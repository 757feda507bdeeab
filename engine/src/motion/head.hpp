// SPDX-License-Identifier: Apache-2.0
//
// The head's own motion: slow wandering that speech makes larger, nods on accents, a lift where a phrase
// begins.
#pragma once

#include <array>

#include "engine/src/motion/curves.hpp"
#include "engine/src/motion/random_stream.hpp"

namespace talkrt::motion {

struct HeadPose {
  double pitch = 0, yaw = 0, roll = 0;  // degrees
  double x = 0, y = 0, z = 0;           // metres
};

/// A second-order Ornstein-Uhlenbeck process of unit variance: flat spectrum below its natural
/// frequency, falling steeply above, as measured head motion does.
class Wander {
 public:
  Wander(double hertz, double damping = 0.8);
  double step(double dt, RandomStream& random);

 private:
  double omega_, damping_, value_ = 0, velocity_ = 0;
};

class HeadMotion {
 public:
  HeadMotion(std::uint64_t seed, const std::array<float, 3>& degrees);

  /// `talking` in [0, 1] sets the size, from listening to presenting. `accent` and `onset` are true on
  /// the tick where a stressed syllable, or a phrase, begins.
  HeadPose step(double dt, double talking, bool accent, bool onset);

 private:
  RandomStream wander_random_, accent_random_;
  std::array<double, 3> degrees_;
  std::array<Wander, 6> wander_;  // pitch, yaw, roll, x, y, z
  Pulse nod_{0.4}, lift_{1.2};    // seconds
  double size_ = 0.4;
};

}  // namespace talkrt::motion
