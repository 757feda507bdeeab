// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "kernels/image/nv12.hpp"

namespace talkrt::image {
namespace {

constexpr float kRed = 0.2126f, kGreen = 0.7152f, kBlue = 0.0722f;

/// The offsets below have the half that makes this round.
std::uint8_t byte(float value) { return static_cast<std::uint8_t>(value); }

float luma_of(const std::uint8_t* p) {
  return kRed * static_cast<float>(p[0]) + kGreen * static_cast<float>(p[1]) +
         kBlue * static_cast<float>(p[2]);  // 0 to 255
}

}  // namespace

void to_nv12(const std::uint8_t* rgba, std::int64_t stride, int width, int height, const Nv12& out) {
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = rgba + y * stride;
    std::uint8_t* to = out.luma + y * out.stride;
    for (int x = 0; x < width; ++x)
      to[x] = byte(luma_of(row + std::ptrdiff_t{4} * x) * (219.0f / 255) + 16.5f);
  }
  for (int y = 0; y < height; y += 2) {
    // An odd side's last row or column counts twice, which is the mean of what is there.
    const std::uint8_t* rows[2] = {rgba + y * stride, rgba + std::min(y + 1, height - 1) * stride};
    std::uint8_t* to = out.chroma + y / 2 * out.stride;
    for (int x = 0; x < width; x += 2) {
      float red = 0, blue = 0, luma = 0;
      for (const std::uint8_t* row : rows) {
        for (const int column : {x, std::min(x + 1, width - 1)}) {
          const std::uint8_t* p = row + std::ptrdiff_t{4} * column;
          red += static_cast<float>(p[0]);
          blue += static_cast<float>(p[2]);
          luma += luma_of(p);
        }
      }
      to[x] = byte((blue - luma) / 1.8556f * (224.0f / 1020) + 128.5f);
      to[x + 1] = byte((red - luma) / 1.5748f * (224.0f / 1020) + 128.5f);
    }
  }
}

}  // namespace talkrt::image
