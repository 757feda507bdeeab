// SPDX-License-Identifier: Apache-2.0
//
// Layers drawn apart, against each layer drawn alone and put together in double precision; bytes cut off.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/gaussian/rasterize.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Aligned;

using Layers = KernelTest;

struct Drawn {
  std::vector<float> rgba;
  std::vector<std::uint8_t> rgba8;
};

Drawn draw(const Scene& scene, const gaussian::RasterOptions& options, const gaussian::Background& background,
           bool cut_off) {
  const gaussian::PackedScene packed(scene);
  const gaussian::Camera& camera = scene.camera;
  const auto values = static_cast<std::size_t>(camera.width) * camera.height * 4;
  Drawn out{std::vector<float>(values), std::vector<std::uint8_t>(values)};
  const gaussian::RasterLimits limits{scene.count, camera.width, camera.height, 2, 200'000};
  Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  Workers pool(2);
  gaussian::Target target;
  target.rgba8 = out.rgba8.data();
  target.rgba8_stride = camera.width * 4;
  target.rgba_float = out.rgba.data();
  target.cut_off = cut_off;
  EXPECT_TRUE(
      rasterize_cpu(packed.splats(), camera, options, background, target, limits, scratch.data(), pool)
          .complete);
  return out;
}

Scene layer_of(const Scene& scene, int layer) {
  Scene out = scene;
  for (int i = 0; i < out.count; ++i) {
    if (scene.layers[i] != layer) out.opacities[i] = 0;
  }
  return out;
}

TEST_F(Layers, apart_are_pictures_of_their_own_one_over_the_other) {
  const Scene scene = random_scene(3000, 150, 110, 3, 1, true);
  gaussian::RasterOptions options;
  gaussian::Background green{gaussian::Backdrop::color, {0.1f, 0.7f, 0.2f}};
  const Drawn front = draw(layer_of(scene, 0), options, {}, false);
  const Drawn behind = draw(layer_of(scene, 1), options, {}, false);
  options.layers_apart = true;
  const Drawn both = draw(scene, options, green, true);
  for (std::size_t i = 0; i < both.rgba.size(); ++i) {
    const std::size_t alpha = i / 4 * 4 + 3, c = i % 4;
    const double through = 1.0 - front.rgba[alpha], through_behind = 1.0 - behind.rgba[alpha];
    if (c == 3) {
      ASSERT_NEAR(both.rgba[i], 1 - through * through_behind, 1e-6);
      continue;
    }
    const double expected =
        front.rgba[i] + (behind.rgba[i] + double{green.color[c]} * through_behind) * through;
    ASSERT_NEAR(both.rgba[i], expected, 2e-6);
    const double step = std::clamp(expected, 0.0, 1.0) * 255;
    ASSERT_NEAR(both.rgba8[i], std::floor(step), std::abs(step - std::round(step)) < 1e-3 ? 1 : 0);
  }
}

TEST_F(Layers, together_and_apart_differ_only_where_a_layer_ends) {
  const Scene scene = layer_of(random_scene(2000, 100, 80, 5, 0, true), 0);
  gaussian::RasterOptions apart;
  apart.layers_apart = true;
  EXPECT_EQ(draw(scene, {}, {}, false).rgba8, draw(scene, apart, {}, false).rgba8);
}

TEST_F(Layers, a_picture_behind_nothing_is_the_same_byte_by_byte_when_cut_off) {
  Scene scene = random_scene(0, 256, 5, 1);
  std::vector<std::uint8_t> image;
  for (int i = 0; i < 256 * 5; ++i) image.insert(image.end(), 3, static_cast<std::uint8_t>(i));
  gaussian::Background background;
  background.kind = gaussian::Backdrop::image;
  background.image = image.data();
  const Drawn drawn = draw(scene, {}, background, true);
  for (std::size_t i = 0; i < image.size(); ++i) {
    ASSERT_EQ(drawn.rgba8[i / 3 * 4 + i % 3], image[i]);
  }
}

}  // namespace
}  // namespace talkrt::testing
