// SPDX-License-Identifier: Apache-2.0
//
// From rows of quaternions and scales to blocks of frames.
#include "kernels/gaussian/pack.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using namespace gaussian;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Rows {
  std::vector<float> means, quats, scales, opacities;

  void add(std::array<float, 4> quat, std::array<float, 3> scale) {
    for (int axis = 0; axis < 3; ++axis) means.push_back(static_cast<float>(opacities.size()) + 0.25f * axis);
    quats.insert(quats.end(), quat.begin(), quat.end());
    scales.insert(scales.end(), scale.begin(), scale.end());
    opacities.push_back(0.5f);
  }
  [[nodiscard]] int count() const { return static_cast<int>(opacities.size()); }
};

struct Blocks {
  Aligned<float> means, frames, opacities;

  explicit Blocks(const Rows& rows, int workers = 2) {
    const auto lanes = static_cast<std::size_t>(blocks_of(rows.count())) * kBlock;
    means.assign(lanes * 3, -7), frames.assign(lanes * 9, -7), opacities.assign(lanes, -7);
    Workers pool(workers);
    pack_shapes(
        {rows.count(), rows.means.data(), rows.quats.data(), rows.scales.data(), rows.opacities.data()},
        means.data(), frames.data(), opacities.data(), pool);
  }
  [[nodiscard]] float frame(int i, int element) const {
    return frames[static_cast<std::size_t>(i / kBlock * 9 + element) * kBlock +
                  static_cast<std::size_t>(i % kBlock)];
  }
};

TEST(Pack, quaternion_turns_axes_and_scale_stretches_them) {
  Rows rows;
  const float half = std::sqrt(0.5f);
  rows.add({half, 0, 0, half}, {2, 3, 4});  // +x to +y, by a quarter turn about z
  const Blocks blocks(rows);
  const float expected[9] = {0, -3, 0, 2, 0, 0, 0, 0, 4};
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(blocks.frame(0, i), expected[i], 1e-6) << i;
}

TEST(Pack, length_and_sign_of_a_quaternion_do_not_matter) {
  Rows rows;
  for (const float factor : {1.0f, -1.0f, 0x1p-70f, -0x1p60f}) {
    rows.add({0.5f * factor, 0.25f * factor, -0.75f * factor, 0.125f * factor}, {1, 2, 3});
  }
  rows.add({3e38f, 3e38f, 3e38f, 3e38f}, {1, 1, 1});
  rows.add({1e-45f, 0, 0, 0}, {1, 1, 1});
  const Blocks blocks(rows);
  for (int i = 1; i < 4; ++i) {
    for (int element = 0; element < 9; ++element)
      EXPECT_EQ(blocks.frame(i, element), blocks.frame(0, element));
  }
  EXPECT_EQ(blocks.frame(4, 2), 1.0f);  // the axes in a circle
  EXPECT_EQ(blocks.frame(5, 0), 1.0f);
}

TEST(Pack, quaternions_without_a_rotation_are_broken) {
  Rows rows;
  rows.add({0, 0, 0, 0}, {1, 1, 1});
  rows.add({kNaN, 0, 0, 1}, {1, 1, 1});
  rows.add({std::numeric_limits<float>::infinity(), 0, 0, 1}, {1, 1, 1});
  const Blocks blocks(rows);
  for (int i = 0; i < 3; ++i) {
    bool broken = false;  // one number is enough for the rasterizer
    for (int element = 0; element < 9; ++element) broken = broken || std::isnan(blocks.frame(i, element));
    EXPECT_TRUE(broken) << i;
  }
}

TEST(Pack, rows_find_their_lanes_and_padding_is_zero) {
  Rows rows;
  for (int i = 0; i < 5000; ++i) rows.add({1, 0, 0, 0}, {static_cast<float>(i), 1, 1});
  const Blocks blocks(rows, 3);
  for (int i = 0; i < 5000; ++i) {
    const auto at = static_cast<std::size_t>(i / kBlock * 3) * kBlock + static_cast<std::size_t>(i % kBlock);
    ASSERT_EQ(blocks.means[at], static_cast<float>(i));
    ASSERT_EQ(blocks.means[at + 2 * kBlock], static_cast<float>(i) + 0.5f);
    ASSERT_EQ(blocks.frame(i, 0), static_cast<float>(i));
  }
  for (std::size_t i = 5000; i < blocks.opacities.size(); ++i) EXPECT_EQ(blocks.opacities[i], 0.0f);
  for (int i = 5000; i < 5008; ++i) EXPECT_EQ(blocks.frame(i, 4), 0.0f);
}

TEST(Pack, colours_are_taken_three_channels_at_a_time) {
  constexpr int kCount = 40, kChannels = 5, kStored = 4, kBases = 2;
  std::vector<float> rows;
  for (int i = 0; i < kCount * kStored * kChannels; ++i) rows.push_back(static_cast<float>(i));
  Workers pool(2);
  for (const int first : {0, 3}) {
    Aligned<float> sh(std::size_t{48} * 3 * kBases, -7), opacities(48, 1);
    pack_colors({kCount, rows.data(), kStored, kBases, kChannels, first}, sh.data(), opacities.data(), pool);
    for (int i = 0; i < 48; ++i) {
      for (int k = 0; k < kBases; ++k) {
        for (int c = 0; c < 3; ++c) {
          const bool exists = i < kCount && first + c < kChannels;
          const float expected = exists ? static_cast<float>((i * kStored + k) * kChannels + first + c) : 0;
          const int at = (i / kBlock * 3 * kBases + 3 * k + c) * kBlock + i % kBlock;
          ASSERT_EQ(sh[static_cast<std::size_t>(at)], expected);
        }
      }
    }
  }
}

TEST(Pack, a_broken_colour_in_any_used_place_takes_the_opacity_of_its_gaussian_alone) {
  constexpr int kCount = 20, kChannels = 4, kStored = 4, kBases = 1;
  Workers pool(1);
  for (int place = 0; place < kStored * kChannels; ++place) {
    std::vector<float> rows(std::size_t{kCount} * kStored * kChannels, 0.5f);
    rows[static_cast<std::size_t>(7 * kStored * kChannels + place)] = -std::numeric_limits<float>::infinity();
    Aligned<float> sh(std::size_t{32} * 3 * kBases), opacities(32, 1);
    pack_colors({kCount, rows.data(), kStored, kBases, kChannels, 0}, sh.data(), opacities.data(), pool);
    for (std::size_t i = 0; i < 32; ++i) {
      EXPECT_EQ(std::isnan(opacities[i]), i == 7 && place < kBases * kChannels);
    }
  }
}

}  // namespace
}  // namespace talkrt::testing
