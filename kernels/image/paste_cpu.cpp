// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/image/paste.hpp"
#include "kernels/image/taps.hpp"

namespace talkrt::image {
namespace {

constexpr double kCore = 0.9;  // the part of a side, in its middle, that a frame replaces outright

struct Range {
  int begin = 0, end = 0;
};

/// Columns of row y that `to_frame` brings within a pixel of the frame; all others stay as they are.
Range touched(const Affine& m, int y, int side, int width) {
  double low = 0, high = width;
  const auto narrow = [&](double slope, double at_zero) {
    // -1 < slope x + at_zero < side
    if (slope == 0) {
      if (at_zero <= -1 || at_zero >= side) high = low;
      return;
    }
    const double a = (-1 - at_zero) / slope, b = (side - at_zero) / slope;
    low = std::max(low, std::floor(std::min(a, b)));
    high = std::min(high, std::ceil(std::max(a, b)) + 1);
  };
  narrow(m.xx, m.xy * y + m.x0);
  narrow(m.yx, m.yy * y + m.y0);
  return high > low ? Range{static_cast<int>(low), static_cast<int>(high)} : Range{};
}

/// Where pixel i of `count` begins on an axis of `source` pixels.
double edge(int i, int count, int source) { return static_cast<double>(i) * source / count; }

}  // namespace

void to_bytes(const float* planes, int side, std::uint8_t* rgba, std::ptrdiff_t stride, Executor& executor) {
  const std::ptrdiff_t plane = std::ptrdiff_t{side} * side;
  executor.for_each(side, [&](int y, int) {
    const float* in = planes + std::ptrdiff_t{y} * side;
    std::uint8_t* out = rgba + y * stride;
    for (int x = 0; x < side; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float value = in[c * plane + x];
        // NaN fails both comparisons and becomes black.
        const float kept = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
        out[4 * x + c] = static_cast<std::uint8_t>(kept * 255.0f);
      }
      out[4 * x + 3] = 255;
    }
  });
}

void blend_mask(int side, std::span<double> mask) {
  const auto beyond = [side](int i) {
    const double at = std::abs((i + 0.5) / side * 2 - 1);
    return std::max(at - kCore, 0.0) / (1 - kCore);
  };
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      mask[static_cast<std::size_t>(y) * static_cast<std::size_t>(side) + static_cast<std::size_t>(x)] =
          std::clamp(1 - std::hypot(beyond(y), beyond(x)), 0.0, 1.0);
    }
  }
}

void paste(const Background& background, const Paste& what, std::uint8_t* out, std::ptrdiff_t stride,
           Executor& executor) {
  const Affine& m = what.to_frame;
  const int side = what.side;
  executor.for_each(background.height, [&](int y, int) {
    const std::uint8_t* under = background.pixels + std::ptrdiff_t{4} * background.width * y;
    std::uint8_t* row = out + y * stride;
    std::memcpy(row, under, std::size_t{4} * static_cast<std::size_t>(background.width));
    const Range columns = touched(m, y, side, background.width);
    for (int x = columns.begin; x < columns.end; ++x) {
      const Taps taps(m.xx * x + m.xy * y + m.x0, m.yx * x + m.yy * y + m.y0, side, side);
      const double share =
          taps.read(side, side, [&](auto column, auto line) { return what.mask[line * side + column]; });
      for (int c = 0; c < 3; ++c) {
        const double placed = taps.read(
            side, side, [&](auto column, auto line) { return what.frame[4 * (line * side + column) + c]; });
        const double mixed = share * placed + (1 - share) * under[4 * x + c];
        row[4 * x + c] = static_cast<std::uint8_t>(std::clamp(mixed, 0.0, 255.0));
      }
    }
  });
}

void resized(const Background& picture, int width, int height, std::uint8_t* out, std::ptrdiff_t stride,
             Executor& executor) {
  const auto taps = [](int i, int count, int source, int& first, int& last, double& low, double& high) {
    low = edge(i, count, source);
    high = edge(i + 1, count, source);
    if (high - low < 1) {  // enlarging: a window of one pixel about the centre, which is bilinear
      const double centre = (low + high) / 2;
      low = centre - 0.5;
      high = centre + 0.5;
    }
    first = static_cast<int>(std::floor(low));
    last = static_cast<int>(std::ceil(high));
  };
  executor.for_each(height, [&](int y, int) {
    int top = 0, bottom = 0;
    double y0 = 0, y1 = 0;
    taps(y, height, picture.height, top, bottom, y0, y1);
    for (int x = 0; x < width; ++x) {
      int left = 0, right = 0;
      double x0 = 0, x1 = 0;
      taps(x, width, picture.width, left, right, x0, x1);
      double sum[4] = {};
      for (int v = top; v < bottom; ++v) {
        const double share_y = std::min<double>(v + 1, y1) - std::max<double>(v, y0);
        const std::uint8_t* row =
            picture.pixels + std::ptrdiff_t{4} * picture.width * std::clamp(v, 0, picture.height - 1);
        for (int u = left; u < right; ++u) {
          const double share = share_y * (std::min<double>(u + 1, x1) - std::max<double>(u, x0));
          const std::uint8_t* pixel = row + std::ptrdiff_t{4} * std::clamp(u, 0, picture.width - 1);
          for (int c = 0; c < 4; ++c) sum[c] += share * pixel[c];
        }
      }
      const double area = (x1 - x0) * (y1 - y0);
      for (int c = 0; c < 4; ++c) {
        out[y * stride + std::ptrdiff_t{4} * x + c] = static_cast<std::uint8_t>(std::lround(sum[c] / area));
      }
    }
  });
}

}  // namespace talkrt::image
