// SPDX-License-Identifier: Apache-2.0
//
// The control clock: row m of motion describes stream position m * step + offset (samples). Everything
// that moves advances on this grid and is interpolated between its points, so motion does not depend on
// the frame rate, on how audio was pushed, or on any wall clock.
#pragma once

#include <cstdint>

namespace talkrt::motion {

[[nodiscard]] constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

struct RowGrid {
  std::int64_t step = 320;
  std::int64_t offset = 0;

  [[nodiscard]] constexpr std::int64_t time(std::int64_t row) const { return row * step + offset; }
  [[nodiscard]] constexpr std::int64_t at_or_before(std::int64_t position) const {
    return floor_div(position - offset, step);
  }
  [[nodiscard]] constexpr std::int64_t at_or_after(std::int64_t position) const {
    return -floor_div(offset - position, step);
  }
};

}  // namespace talkrt::motion
