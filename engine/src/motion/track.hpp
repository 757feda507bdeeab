// SPDX-License-Identifier: Apache-2.0
//
// The piece of a recording that an avatar plays while it speaks: for each of its frames a camera and what the
// networks are fed beside audio. Forwards, then backwards, and so on, so that nothing ever jumps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::motion {

class Track {
 public:
  /// `plan`, of model avatar, must outlive it.
  explicit Track(const plan::Plan& plan) : plan_(&plan), frames_(plan.manifest().avatar->track_frames) {}

  /// The track frame that video frame `time` shows.
  [[nodiscard]] int at(std::int64_t time) const noexcept {
    if (frames_ == 1) return 0;
    const std::int64_t period = 2 * (std::int64_t{frames_} - 1), phase = time % period;
    return static_cast<int>(std::min(phase, period - phase));
  }

  /// Those of all its frames [P, 16], row-major.
  [[nodiscard]] std::vector<float> cameras() const;
  /// World to camera, row-major, into `viewmat`.
  void camera(int frame, std::span<float, 16> viewmat) const {
    copy("gaussian/track/viewmats", frame, viewmat);
  }
  /// What the input of that name gets.
  void play(std::string_view input, int frame, std::span<float> values) const;

 private:
  void copy(std::string_view tensor, int frame, std::span<float> values) const;

  const plan::Plan* plan_;
  int frames_;
};

/// Adds `blink`, 0 to 1, to what an input was given: to AU 45 of TalkingGaussian's action units, and to the
/// encoded eye of GaussianTalker. Other inputs know no blink.
void add_blink(std::string_view input, float blink, std::span<float> values);

}  // namespace talkrt::motion
