// SPDX-License-Identifier: Apache-2.0
//
// What drawing a whole frame and drawing its changes have in common.
#pragma once

#include <chrono>

#include "kernels/gaussian/cpu_path.hpp"

namespace talkrt::gaussian {

/// Throws std::invalid_argument when the arguments contradict each other or the limits.
void check_frame(const Splats& splats, const Camera& camera, const RasterLimits& limits);

/// Sets what follows from the arguments that the frame was made of.
void start_frame(RasterFrame& frame, const RasterLimits& limits);

/// Draws everything. With `for_changes`, the scratch afterwards has what changes can go on from.
RasterStats draw_frame(RasterFrame& frame, const RasterLimits& limits, bool for_changes);

/// Nanoseconds since the last call.
class Stopwatch {
 public:
  std::uint64_t lap() {
    const auto now = std::chrono::steady_clock::now();
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
    last_ = now;
    return static_cast<std::uint64_t>(passed);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace talkrt::gaussian
