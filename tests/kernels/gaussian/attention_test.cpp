// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that attend to tokens, against the formulas of export/FORMAT.md, section 8.1, as they are written
// there, in double precision; and drawing them against moving them into arrays and drawing those.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/attending_head.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using Attention = KernelTest;

using namespace attending;

void expect_formulas(const Head& head) {
  const gaussian::PackedScene packed(head.scene);
  const Arrays found = moved(head, packed, 2);
  const int colors = 3 * gaussian::sh_bases(head.scene.sh_degree);
  const double strength = head.input.strength;
  for (int i = 0; i < head.scene.count; ++i) {
    const auto near = [&](const Aligned<float>& of, int rows, int c, double expected, double bound) {
      ASSERT_NEAR(Net::at(of, rows, i, c), expected, bound) << "Gaussian " << i << ", number " << c;
    };
    const int own = i - kBlock;
    if (own < 0 || own >= head.net.view.count) {
      for (int c = 0; c < 3; ++c) near(found.means, 3, c, head.scene.means[i * 3 + c], 0);
      for (int c = 0; c < 9; ++c) near(found.frames, 9, c, head.scene.frames[i * 9 + c], 0);
      near(found.opacities, 1, 0, head.scene.opacities[i], 0);
      for (int c = 0; c < colors; ++c) near(found.sh, colors, c, head.scene.sh[i * colors + c], 0);
      continue;
    }
    const std::vector<Numbers> d = head.net.of(own);
    for (int c = 0; c < 3; ++c) {
      near(found.means, 3, c, head.scene.means[i * 3 + c] + strength * d[0][c], 1e-5);
    }
    double q[4], length = 0;
    for (int c = 0; c < 4; ++c) {
      q[c] = Net::at(head.net.quats, 4, own, c) + strength * d[1][c];
      length += q[c] * q[c];
    }
    for (double& c : q) c /= std::sqrt(length);
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double turn[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                            2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                            2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    for (int c = 0; c < 9; ++c) {
      const double scale = std::exp(Net::at(head.net.scales, 3, own, c % 3) + strength * d[2][c % 3]);
      near(found.frames, 9, c, turn[c] * scale, 1e-4 * std::max(scale, 0.1));
    }
    const double fade = Net::at(head.net.opacities, 1, own, 0) + strength * d[3][0];
    near(found.opacities, 1, 0, 1 / (1 + std::exp(-fade)), 1e-5);
    for (int c = 0; c < colors; ++c) {
      near(found.sh, colors, c, head.scene.sh[i * colors + c] + strength * d[4][c], 1e-5);
    }
  }
}

TEST_F(Attention, follows_the_formulas_at_the_published_widths) {
  expect_formulas(Head({5, 3, 1, 64, 128, 2, 3, 128, 3}));
}
TEST_F(Attention, follows_the_formulas_in_two_layers) {
  expect_formulas(Head({4, 1, 2, 64, 128, 2, 3, 128, 3}, 0.5f));
}
TEST_F(Attention, follows_the_formulas_at_odd_widths) {
  expect_formulas(Head({2, 9, 3, 21, 37, 3, 5, 13, 1}, 1.5f));
  expect_formulas(Head({1, 15, 1, 256, 256, 8, 4, 256, 0}));
}

TEST_F(Attention, moves_the_same_for_any_number_of_workers) {
  const Head head({131, 5, 1, 64, 128, 2, 3, 128, 3});
  const gaussian::PackedScene packed(head.scene);
  const Arrays one = moved(head, packed, 1);
  EXPECT_EQ(one, moved(head, packed, 2));
  EXPECT_EQ(one, moved(head, packed, 5));
}

TEST_F(Attention, attributes_without_a_branch_stay) {
  Head head({3, 2, 1, 64, 128, 2, 3, 128, 1});
  for (const int o : {1, 3, 4}) head.net.branch(o) = {};
  const gaussian::PackedScene packed(head.scene);
  const Arrays found = moved(head, packed, 1);
  EXPECT_TRUE(std::equal(found.opacities.begin(), found.opacities.end(), packed.splats().opacities));
  EXPECT_TRUE(std::equal(found.sh.begin(), found.sh.end(), packed.splats().sh));
  EXPECT_FALSE(std::equal(found.means.begin(), found.means.end(), packed.splats().means));
  EXPECT_FALSE(std::equal(found.frames.begin(), found.frames.end(), packed.splats().frames));
}

TEST_F(Attention, drawing_while_moving_is_moving_and_drawing_bit_for_bit) {
  const Head head({133, 7, 1, 64, 128, 2, 3, 128, 3}, 0.1f);
  const gaussian::PackedScene packed(head.scene);
  const Arrays arrays = moved(head, packed, 1);
  gaussian::Splats splats = packed.splats();
  splats.means = arrays.means.data();
  splats.frames = arrays.frames.data();
  splats.opacities = arrays.opacities.data();
  splats.sh = arrays.sh.data();
  const gaussian::Camera& camera = head.scene.camera;
  const auto pixels = static_cast<std::size_t>(camera.width) * camera.height * 4;
  std::vector<std::uint8_t> expected(pixels), found(pixels);
  for (const int workers : {1, 3}) {
    Workers pool(workers);
    gaussian::RasterLimits limits{head.scene.count, camera.width, camera.height, workers, 900'000, true};
    Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
    gaussian::Target target{expected.data(), camera.width * 4};
    const auto stats = rasterize_cpu(splats, camera, {}, {}, target, limits, scratch.data(), pool);
    ASSERT_TRUE(stats.complete) << stats.intersections;
    ASSERT_GT(stats.visible, 500U);
    target.rgba8 = found.data();
    gaussian::RasterHistory history;
    std::fill(found.begin(), found.end(), std::uint8_t{0});
    ASSERT_TRUE(rasterize_moved_cpu(packed.splats(), head.movement(), {nullptr, 0, true}, camera, {}, {},
                                    target, limits, scratch.data(), history, pool)
                    .complete);
    EXPECT_EQ(expected, found);
  }
}

}  // namespace
}  // namespace talkrt::testing
