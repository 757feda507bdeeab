// SPDX-License-Identifier: Apache-2.0
#include "kernels/image/nv12.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace talkrt::image {
namespace {

double luma_of(const std::uint8_t* p) { return (0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]) / 255; }

TEST(Nv12, is_bt709_of_limited_range_with_the_mean_of_four_pixels_as_chroma_at_any_size) {
  std::mt19937 random(1);
  for (const auto& [width, height] : {std::pair{8, 6}, {7, 5}, {1, 1}, {2, 3}}) {
    const std::int64_t stride = 4 * width + 12, planes = width + width % 2 + 5;
    std::vector<std::uint8_t> rgba(static_cast<std::size_t>(stride * height));
    for (auto& value : rgba) value = static_cast<std::uint8_t>(random());
    const std::int64_t chroma_rows = (height + 1) / 2;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(planes * (height + chroma_rows)), 77);
    to_nv12(rgba.data(), stride, width, height, {out.data(), out.data() + planes * height, planes});
    const auto pixel = [&](int x, int y) { return rgba.data() + y * stride + 4 * x; };
    for (int y = 0; y < height; ++y) {
      const std::uint8_t* row = out.data() + y * planes;
      for (int x = 0; x < width; ++x) EXPECT_NEAR(row[x], 16 + 219 * luma_of(pixel(x, y)), 0.501);
      for (std::int64_t x = width; x < planes; ++x) EXPECT_EQ(row[x], 77);
    }
    for (int y = 0; y < chroma_rows; ++y) {
      for (int x = 0; x < (width + 1) / 2; ++x) {
        double u = 0, v = 0, count = 0;
        for (int j = 2 * y; j < std::min(2 * y + 2, height); ++j) {
          for (int i = 2 * x; i < std::min(2 * x + 2, width); ++i, ++count) {
            u += (pixel(i, j)[2] / 255.0 - luma_of(pixel(i, j))) / 1.8556;
            v += (pixel(i, j)[0] / 255.0 - luma_of(pixel(i, j))) / 1.5748;
          }
        }
        const std::uint8_t* uv = out.data() + (height + y) * planes + 2 * x;
        EXPECT_NEAR(uv[0], 128 + 224 * u / count, 0.501);
        EXPECT_NEAR(uv[1], 128 + 224 * v / count, 0.501);
      }
    }
  }
}

}  // namespace
}  // namespace talkrt::image
