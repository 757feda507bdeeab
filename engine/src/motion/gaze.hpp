// SPDX-License-Identifier: Apache-2.0
//
// Where the eyes rest: fixations around the camera, small shifts between them, and looks away.
#pragma once

#include "engine/src/motion/random_stream.hpp"

namespace talkrt::motion {

struct Direction {
  double yaw = 0, pitch = 0;  // degrees; + own left, + down
};

class Gaze {
 public:
  /// `share` of the time is spent looking at the camera.
  Gaze(std::uint64_t seed, double share);

  Direction step(double dt);

 private:
  void next_fixation();

  RandomStream random_;
  double share_;
  Direction from_, to_;
  double saccade_ = 1, elapsed_ = 1, remaining_ = 0;  // seconds
  double until_aversion_ = 0;
};

}  // namespace talkrt::motion
