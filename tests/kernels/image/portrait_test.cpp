// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kernels/image/crop.hpp"
#include "kernels/image/paste.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::image {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out(count);
  for (auto& value : out) value = static_cast<std::uint8_t>(random());
  return out;
}

constexpr Affine kTurned{0.6, 0.3, 2.5, -0.3, 0.6, 11.25};

TEST(Affine, inverse_and_composition) {
  const Affine both = kTurned.inverse().after(kTurned);
  EXPECT_NEAR(both.xx, 1, 1e-12);
  EXPECT_NEAR(both.xy, 0, 1e-12);
  EXPECT_NEAR(both.x0, 0, 1e-12);
  EXPECT_NEAR(both.y0, 0, 1e-12);
}

TEST(Crop, where_nothing_turns_the_crop_is_the_picture_and_black_beyond_it) {
  testing::Workers workers(2);
  const Bytes picture = noise(3 * 8 * 6, 1);
  Bytes crop(3 * 8 * 8, 77);
  cut({picture.data(), 8, 6}, {}, 8, crop.data(), workers);
  for (std::size_t i = 0; i < picture.size(); ++i) ASSERT_EQ(crop[i], picture[i]) << i;
  for (std::size_t i = picture.size(); i < crop.size(); ++i) ASSERT_EQ(crop[i], 0) << i;
}

TEST(Crop, a_crop_that_is_smaller_than_its_place_is_a_mean_and_not_a_sample) {
  testing::Workers workers(1);
  Bytes stripes(3 * 64 * 64);
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = i / 3 % 2 == 0 ? 0 : 200;
  Bytes crop(3 * 8 * 8);
  cut({stripes.data(), 64, 64}, {8, 0, 3.5, 0, 8, 3.5}, 8, crop.data(), workers);
  for (const std::uint8_t value : crop) EXPECT_NEAR(value, 100, 1);
}

TEST(Crop, halving_is_the_mean_of_four_pixels_rounded_to_even) {
  const Bytes crop{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12};
  std::vector<float> planes(3);
  halved(crop.data(), 2, planes.data());
  EXPECT_FLOAT_EQ(planes[0], 4 / 255.0f);  // 4.5
  EXPECT_FLOAT_EQ(planes[1], 6 / 255.0f);  // 5.5
  EXPECT_FLOAT_EQ(planes[2], 7 / 255.0f);  // 6.75
}

TEST(Crop, alpha_is_laid_over_white) {
  const Bytes pixels{10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128};
  Bytes rgba(12), rgb(9);
  over_white(pixels.data(), 4, 3, rgba.data(), rgb.data());
  EXPECT_EQ(rgb, (Bytes{10, 20, 30, 255, 255, 255, 127, 127, 127}));
  EXPECT_EQ(rgba, (Bytes{10, 20, 30, 255, 255, 255, 255, 255, 127, 127, 127, 255}));
}

TEST(Paste, values_become_bytes_by_cutting_fractions_and_nothing_leaves_their_range) {
  testing::Workers workers(1);
  const std::vector<float> planes{0.999f, 1, 2, -1, 0.5f, 0, std::numeric_limits<float>::quiet_NaN(),
                                  1,      0, 0, 0,  1};
  Bytes out(16);
  to_bytes(planes.data(), 2, out.data(), 8, workers);
  EXPECT_EQ(out, (Bytes{254, 127, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255, 0, 255, 255, 255}));
}

TEST(Paste, the_mask_is_whole_in_the_middle_and_falls_round_to_nothing) {
  std::vector<double> mask(64 * 64);
  blend_mask(64, mask);
  EXPECT_EQ(mask[32 * 64 + 32], 1);
  EXPECT_LT(mask[32 * 64], 0.2);
  EXPECT_EQ(mask[0], 0);
  EXPECT_LT(mask[64 + 1], mask[32 * 64 + 1]);
  EXPECT_EQ(mask[5 * 64 + 9], mask[9 * 64 + 5]);
}

TEST(Paste, a_picture_keeps_everything_the_frame_does_not_reach_however_it_lies) {
  testing::Workers one(1), three(3);
  const Bytes background = noise(4 * 90 * 70, 2), frame = noise(4 * 32 * 32, 3);
  std::vector<double> mask(32 * 32);
  blend_mask(32, mask);
  for (const Affine& to_frame : {kTurned, Affine{-0.4, 0, 40, 0, 0.9, -30}, Affine{1, 0, 500, 0, 1, 0}}) {
    const Paste what{frame.data(), mask.data(), 32, to_frame};
    Bytes out(background.size()), again(background.size());
    paste({background.data(), 90, 70}, what, out.data(), 4 * 90, one);
    paste({background.data(), 90, 70}, what, again.data(), 4 * 90, three);
    EXPECT_EQ(out, again);
    for (int y = 0; y < 70; ++y) {
      for (int x = 0; x < 90; ++x) {
        // By the definition, pixel by pixel.
        const double u = to_frame.xx * x + to_frame.xy * y + to_frame.x0;
        const double v = to_frame.yx * x + to_frame.yy * y + to_frame.y0;
        const auto read = [&](auto&& value) {
          double sum = 0;
          for (int row = 0; row < 32; ++row) {
            for (int column = 0; column < 32; ++column) {
              const double share =
                  std::max(0.0, 1 - std::abs(u - column)) * std::max(0.0, 1 - std::abs(v - row));
              if (share > 0) sum += share * value(static_cast<std::size_t>(32 * row + column));
            }
          }
          return sum;
        };
        const auto at = static_cast<std::size_t>(4 * (90 * y + x));
        const double share = read([&](std::size_t i) { return mask[i]; });
        for (std::size_t c = 0; c < 3; ++c) {
          const double placed = read([&](std::size_t i) { return static_cast<double>(frame[4 * i + c]); });
          ASSERT_NEAR(out[at + c], share * placed + (1 - share) * background[at + c], 1.001) << x << " " << y;
        }
        ASSERT_EQ(out[at + 3], background[at + 3]);
      }
    }
  }
}

TEST(Paste, another_size_is_a_mean_or_bilinear_and_its_own_size_is_a_copy) {
  testing::Workers workers(1);
  const Bytes picture = noise(4 * 12 * 10, 4);
  Bytes same(picture.size());
  resized({picture.data(), 12, 10}, 12, 10, same.data(), 4 * 12, workers);
  EXPECT_EQ(same, picture);
  Bytes half(4 * 6 * 5);
  resized({picture.data(), 12, 10}, 6, 5, half.data(), 4 * 6, workers);
  const double mean = (picture[0] + picture[4] + picture[48] + picture[52]) / 4.0;
  EXPECT_NEAR(half[0], mean, 0.51);
  const Bytes flat(4 * 3 * 3, 99);
  Bytes large(4 * 7 * 5);
  resized({flat.data(), 3, 3}, 7, 5, large.data(), 4 * 7, workers);
  EXPECT_EQ(large, Bytes(large.size(), 99));
}

}  // namespace
}  // namespace talkrt::image
