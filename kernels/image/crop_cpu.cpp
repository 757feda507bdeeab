// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/image/crop.hpp"
#include "kernels/image/taps.hpp"

namespace talkrt::image {
namespace {

constexpr int kMostSamples = 32;  // a side, of one pixel

}  // namespace

void over_white(const std::uint8_t* pixels, int channels, std::size_t count, std::uint8_t* rgba,
                std::uint8_t* rgb) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* in = pixels + i * static_cast<std::size_t>(channels);
    const int alpha = channels == 4 ? in[3] : 255;
    for (std::size_t c = 0; c < 3; ++c) {
      const int mixed = in[c] * alpha + 255 * (255 - alpha);
      rgb[3 * i + c] = rgba[4 * i + c] = static_cast<std::uint8_t>((mixed + 127) / 255);
    }
    rgba[4 * i + 3] = 255;
  }
}

void cut(const RgbView& picture, const Affine& m, int side, std::uint8_t* crop, Executor& executor) {
  const int n =
      std::clamp(static_cast<int>(std::floor(std::sqrt(std::abs(m.determinant())))), 1, kMostSamples);
  executor.for_each(side, [&](int y, int) {
    std::uint8_t* out = crop + std::ptrdiff_t{3} * side * y;
    for (int x = 0; x < side; ++x) {
      double sums[3] = {};
      for (int i = 0; i < n * n; ++i) {
        const int right = i % n, down = i / n;
        const double u = x + (right + 0.5) / n - 0.5, v = y + (down + 0.5) / n - 0.5;
        const Taps taps(m.xx * u + m.xy * v + m.x0, m.yx * u + m.yy * v + m.y0, picture.width,
                        picture.height);
        for (int c = 0; c < 3; ++c) {
          sums[c] += taps.read(picture.width, picture.height, [&](auto column, auto row) {
            return picture.pixels[3 * (row * picture.width + column) + c];
          });
        }
      }
      for (int c = 0; c < 3; ++c)
        out[3 * x + c] = static_cast<std::uint8_t>(std::nearbyint(sums[c] / (n * n)));
    }
  });
}

void halved(const std::uint8_t* crop, int side, float* planes) {
  const int half = side / 2;
  const std::ptrdiff_t row = std::ptrdiff_t{3} * side, plane = std::ptrdiff_t{half} * half;
  for (int y = 0; y < half; ++y) {
    for (int x = 0; x < half; ++x) {
      const std::uint8_t* block = crop + 2 * y * row + std::ptrdiff_t{6} * x;
      for (int c = 0; c < 3; ++c) {
        const int sum = block[c] + block[3 + c] + block[row + c] + block[row + 3 + c];
        planes[c * plane + y * half + x] = static_cast<float>(std::nearbyint(sum / 4.0) / 255);
      }
    }
  }
}

}  // namespace talkrt::image
