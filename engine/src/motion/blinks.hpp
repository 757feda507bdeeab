// SPDX-License-Identifier: Apache-2.0
//
// When the lids close, and how.
#pragma once

#include "engine/src/motion/random_stream.hpp"

namespace talkrt::motion {

class Blinks {
 public:
  Blinks(std::uint64_t seed, double per_minute);

  /// Advances by dt seconds and returns how far the lids are closed. `hazard` scales how likely a blink
  /// is now: 1 is the mean rate, more at the start of a pause, less inside words.
  double step(double dt, double hazard);

 private:
  void schedule();

  RandomStream random_;
  double mean_interval_;  // seconds between blinks at hazard 1
  double countdown_ = 0;  // of hazard-weighted time
  double elapsed_ = -1;   // since the current blink began; negative: none
  double depth_ = 1, after_last_ = 1e9;
};

/// Closure t seconds after a full blink began: shuts in 75 ms, touches for 15, opens slowing down.
double blink_shape(double t);

}  // namespace talkrt::motion
