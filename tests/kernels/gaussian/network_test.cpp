// SPDX-License-Identifier: Apache-2.0
//
// Gaussians that networks move, against the formulas of point_network.hpp in double precision, and drawing
// them against moving them into arrays and drawing those.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/layered_head.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using Networks = KernelTest;

using namespace layered;

TEST_F(Networks, follow_the_formulas) {
  for (const int width : {64, 32, 20, 200}) {
    const bool exponential = width == 32;
    const Head head(5, 3, width,
                    exponential ? gaussian::ScaleActivation::exp : gaussian::ScaleActivation::softplus);
    const gaussian::PackedScene packed(head.scene);
    const Arrays found = moved(head, packed, 2);
    const auto at = [](const Aligned<float>& v, int channels, int i, int c) -> double {
      return v[static_cast<std::size_t>((i / kBlock * channels + c) * kBlock + i % kBlock)];
    };
    for (int i = 0; i < head.scene.count; ++i) {
      const int block = i / kBlock;
      const int of_face = 5 * kBlock - 5, of_mouth = 3 * kBlock - 5;
      const bool is_face = i < of_face, is_mouth = block > 5 && i - 6 * kBlock < of_mouth;
      const auto o = is_face    ? head.face.of(i)
                     : is_mouth ? head.mouth.of(i - 6 * kBlock)
                                : std::vector<double>(3);
      const double strength = is_mouth ? 0.5 : 1;
      for (int c = 0; c < 3; ++c) {
        const double mean = head.scene.means[i * 3 + c] + strength * o[c];
        ASSERT_NEAR(at(found.means, 3, i, c), mean, 5e-8 + 6.1e-8 * std::abs(mean))
            << "width " << width << ", Gaussian " << i;
      }
      if (!is_face) {
        for (int c = 0; c < 9; ++c) ASSERT_EQ(at(found.frames, 9, i, c), head.scene.frames[i * 9 + c]);
        continue;
      }
      double q[4], length = 0;
      for (int c = 0; c < 4; ++c) {
        q[c] = at(head.face.quats, 4, i, c) + o[3 + c];
        length += q[c] * q[c];
      }
      for (double& c : q) c /= std::sqrt(length);
      const double w = q[0], x = q[1], y = q[2], z = q[3];
      const double turn[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                              2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                              2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
      for (int c = 0; c < 9; ++c) {
        const double grown = std::exp(at(head.face.scales, 3, i, c % 3) + o[7 + c % 3]);
        const double scale = exponential ? grown : std::log1p(grown);
        ASSERT_NEAR(at(found.frames, 9, i, c), turn[c] * scale, 2e-6 * std::max(scale, 0.1))
            << "width " << width << ", Gaussian " << i;
      }
    }
  }
}

TEST_F(Networks, move_the_same_for_any_number_of_workers) {
  const Head head(150, 91, 64);
  const gaussian::PackedScene packed(head.scene);
  const Arrays one = moved(head, packed, 1);
  for (const int workers : {2, 5}) {
    const Arrays many = moved(head, packed, workers);
    EXPECT_EQ(one.means, many.means);
    EXPECT_EQ(one.frames, many.frames);
  }
}

TEST_F(Networks, drawing_while_moving_is_moving_and_drawing_bit_for_bit) {
  const Head head(67, 31, 64);
  const gaussian::PackedScene packed(head.scene);
  const Arrays arrays = moved(head, packed, 1);
  gaussian::Splats splats = packed.splats();
  splats.means = arrays.means.data();
  splats.frames = arrays.frames.data();
  const gaussian::Camera& camera = head.scene.camera;
  const auto pixels = static_cast<std::size_t>(camera.width) * camera.height * 4;
  std::vector<std::uint8_t> expected(pixels), found(pixels);
  gaussian::RasterOptions options;
  options.layers_apart = true;
  for (const int workers : {1, 3}) {
    Workers pool(workers);
    gaussian::RasterLimits limits{head.scene.count, camera.width, camera.height, workers, 250'000, true};
    Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
    gaussian::Target target{expected.data(), camera.width * 4};
    ASSERT_TRUE(rasterize_cpu(splats, camera, options, {}, target, limits, scratch.data(), pool).complete);
    target.rgba8 = found.data();
    gaussian::RasterHistory history;
    for (const bool all : {true, false, false}) {  // drawn, kept, shown again
      std::fill(found.begin(), found.end(), std::uint8_t{0});
      ASSERT_TRUE(rasterize_moved_cpu(packed.splats(), head.movement(), {nullptr, 0, all}, camera, options,
                                      {}, target, limits, scratch.data(), history, pool)
                      .complete);
      EXPECT_EQ(expected, found);
    }
  }
}

}  // namespace
}  // namespace talkrt::testing
