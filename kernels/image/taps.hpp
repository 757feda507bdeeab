// SPDX-License-Identifier: Apache-2.0
//
// Bilinear reading with zeros outside, in double and in the reference's order of operations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace talkrt::image {

/// Four neighbours of a point, shares of the right and lower ones, and which of the four exist.
struct Taps {
  std::ptrdiff_t left = 0, top = 0;
  double right_share = 0, bottom_share = 0;

  Taps(double x, double y, int width, int height) {
    // On a grid with one more row and column of zeros all around, beyond which everything is zero.
    const double at_x = std::clamp(x, -1.0, static_cast<double>(width)) + 1;
    const double at_y = std::clamp(y, -1.0, static_cast<double>(height)) + 1;
    const double floor_x = std::min(std::floor(at_x), static_cast<double>(width));
    const double floor_y = std::min(std::floor(at_y), static_cast<double>(height));
    right_share = at_x - floor_x;
    bottom_share = at_y - floor_y;
    left = static_cast<std::ptrdiff_t>(floor_x) - 1;
    top = static_cast<std::ptrdiff_t>(floor_y) - 1;
  }

  /// `value(x, y)` is asked only inside [0, width) x [0, height).
  template <class Value>
  [[nodiscard]] double read(int width, int height, Value&& value) const {
    const auto at = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
      return x >= 0 && y >= 0 && x < width && y < height ? static_cast<double>(value(x, y)) : 0.0;
    };
    const double upper = at(left, top) * (1 - right_share) + at(left + 1, top) * right_share;
    const double lower = at(left, top + 1) * (1 - right_share) + at(left + 1, top + 1) * right_share;
    return upper * (1 - bottom_share) + lower * bottom_share;
  }
};

}  // namespace talkrt::image
