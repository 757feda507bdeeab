// SPDX-License-Identifier: Apache-2.0
//
// How much of each emotion a face wears: a change takes half a second.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {

class EmotionFades {
 public:
  explicit EmotionFades(std::size_t emotions) : fades_(emotions) {}

  /// Advances towards `emotion` at `intensity`. The first call ever starts there.
  void step(double dt, int emotion, float intensity) {
    for (std::size_t e = 0; e < fades_.size(); ++e) {
      Fade& fade = fades_[e];
      const double goal = static_cast<int>(e) == emotion ? intensity : 0.0;
      if (!started_) fade = {goal, goal, kSeconds, goal};
      if (goal != fade.to) fade = {fade.value, goal, 0, fade.value};
      fade.elapsed = std::min(fade.elapsed + dt, kSeconds);
      fade.value = fade.from + (fade.to - fade.from) * half_cosine(fade.elapsed / kSeconds);
    }
    started_ = true;
  }

  [[nodiscard]] std::size_t size() const { return fades_.size(); }
  [[nodiscard]] double operator[](std::size_t emotion) const { return fades_[emotion].value; }

 private:
  static constexpr double kSeconds = 0.5;
  struct Fade {
    double from = 0, to = 0, elapsed = kSeconds, value = 0;
  };

  std::vector<Fade> fades_;
  bool started_ = false;
};

}  // namespace talkrt::motion
