// SPDX-License-Identifier: Apache-2.0
//
// When frames are due, in samples: frame k is at floor(k * sample_rate * den / num). Exact integers, so an
// hour of 29.97 frames per second ends on the same sample as an hour of audio.
#pragma once

#include <cstdint>
#include <numeric>

namespace talkrt::session {

class FrameClock {
 public:
  FrameClock(int sample_rate, int fps_num, int fps_den) {
    const std::int64_t samples = std::int64_t{sample_rate} * fps_den;
    const std::int64_t divisor = std::gcd(samples, std::int64_t{fps_num});
    num_ = fps_num / divisor;
    whole_ = samples / divisor / num_;
    rest_ = samples / divisor % num_;
  }

  [[nodiscard]] std::int64_t position(std::int64_t frame) const noexcept {
    // k * (whole + rest / num), with k split so that no product passes 2^62: rest and num are below 2^31.
    return frame * whole_ + frame / num_ * rest_ + frame % num_ * rest_ / num_;
  }

  [[nodiscard]] std::int64_t first_at_or_after(std::int64_t position) const noexcept {
    std::int64_t low = 0, high = position / whole_ + 1;  // frames are at least `whole_` samples apart
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (this->position(middle) >= position)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }

 private:
  std::int64_t num_, whole_, rest_;  // samples per frame = whole + rest / num
};

}  // namespace talkrt::session
