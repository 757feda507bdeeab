// SPDX-License-Identifier: Apache-2.0
//
// Numbers nobody should pass: whatever they are, the rasterizer touches only its memory and draws only
// numbers. Most of these tests mean most under the address and undefined-behaviour sanitizers.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/gaussian/projection.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Convention;
using HostileScene = KernelTest;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
constexpr std::array<float, 3> kWhite{1, 1, 1};

/// Every number that can upset arithmetic, and any bits at all.
class Chaos {
 public:
  explicit Chaos(unsigned seed) : bits_(seed) {}

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(bits_()) % limit; }
  float number() {
    constexpr float kSpecial[] = {0.0f,   -0.0f, 1.0f, -1.0f, 1e-38f, 1e-45f, 3e38f,
                                  -3e38f, kNaN,  kInf, -kInf, 1e10f,  16.0f,  0.5f};
    if (below(4) == 0) return kSpecial[below(std::size(kSpecial))];
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits_()));
  }
  void spoil(float* values, std::size_t count, std::uint32_t one_in) {
    for (std::size_t i = 0; i < count; ++i) {
      if (below(one_in) == 0) values[i] = number();
    }
  }

 private:
  std::mt19937 bits_;
};

void expect_numbers(const Picture& picture) {
  const auto finite = [](float value) { return std::isfinite(value); };
  EXPECT_TRUE(std::all_of(picture.rgba.begin(), picture.rgba.end(), finite));
  EXPECT_TRUE(std::all_of(picture.depth.begin(), picture.depth.end(), finite));
}

/// What project_cpu says of the scene; its arrays have exactly the size they need.
struct Said {
  std::vector<std::int32_t> radii, tiles;
  std::vector<float> means2d, depths, conics, opacities;

  explicit Said(const Scene& scene, int workers = 1) {
    const auto n = static_cast<std::size_t>(scene.count);
    radii.resize(2 * n), tiles.resize(n), means2d.resize(2 * n), depths.resize(n), conics.resize(3 * n);
    opacities.resize(n);
    const PackedScene packed(scene);
    Workers pool(workers);
    gaussian::project_cpu(
        packed.splats(), scene.camera, scene.options,
        {radii.data(), means2d.data(), depths.data(), conics.data(), opacities.data(), tiles.data()}, pool);
  }
};

TEST_F(HostileScene, any_bits_in_the_gaussians_draw_numbers) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Chaos chaos(seed);
    const int width = 1 + static_cast<int>(chaos.below(70)), height = 1 + static_cast<int>(chaos.below(70));
    Scene scene = random_scene(1 + static_cast<int>(chaos.below(200)), width, height, seed,
                               static_cast<int>(seed % 4), seed % 2 == 0);
    const std::uint32_t one_in = 1 + chaos.below(40);
    chaos.spoil(scene.means.data(), scene.means.size(), one_in);
    chaos.spoil(scene.frames.data(), scene.frames.size(), one_in);
    chaos.spoil(scene.opacities.data(), scene.opacities.size(), one_in);
    chaos.spoil(scene.sh.data(), scene.sh.size(), one_in);
    scene.options.convention = seed % 3 == 0 ? Convention::inria : Convention::gsplat;
    scene.options.antialias = seed % 5 == 0;
    const Picture picture = render(scene, 1 + static_cast<int>(seed % 3));
    ASSERT_TRUE(picture.stats.complete);
    expect_numbers(picture);
    const Said said(scene);
    EXPECT_TRUE(
        std::all_of(said.conics.begin(), said.conics.end(), [](float v) { return std::isfinite(v); }));
  }
}

TEST_F(HostileScene, any_bits_in_camera_and_options_touch_only_given_memory) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Chaos chaos(1000 + seed);
    Scene scene = random_scene(150, 37, 29, seed, static_cast<int>(seed % 4));
    chaos.spoil(scene.camera.viewmat, 16, 1 + chaos.below(16));
    chaos.spoil(scene.camera.K, 9, 1 + chaos.below(9));
    float options[] = {0.01f, 1e10f, 0.3f, 0.0f};
    chaos.spoil(options, 4, 1 + chaos.below(4));
    scene.options = {seed % 2 == 0, options[0], options[1],
                     options[2],    options[3], seed % 3 == 0 ? Convention::inria : Convention::gsplat};
    const Picture picture = render(scene, 2);
    ASSERT_TRUE(picture.stats.complete);
    expect_numbers(picture);
    const Said said(scene);
    for (std::size_t i = 0; i < said.tiles.size(); ++i) {
      EXPECT_GE(said.tiles[i], 0);
      EXPECT_LE(said.tiles[i], 3 * 2);
    }
  }
}

TEST_F(HostileScene, one_broken_number_of_a_camera_leaves_the_background) {
  Scene clean = random_scene(100, 40, 30, 5, 1);
  clean.color[1] = 0.5f;
  for (int i = 0; i < 16 + 9; ++i) {
    const bool used = i < 12 || i == 16 || i == 18 || i == 20 || i == 21;  // rows of [R t]; fx, cx, fy, cy
    for (const float broken : {kNaN, kInf}) {
      Scene scene = clean;
      (i < 16 ? scene.camera.viewmat[i] : scene.camera.K[i - 16]) = broken;
      const Picture picture = render(scene);
      expect_numbers(picture);
      if (!used || !std::isnan(broken)) continue;
      EXPECT_EQ(picture.stats.visible, 0u) << "number " << i;
      EXPECT_EQ(picture.rgba[1], 0.5f);
    }
  }
}

TEST_F(HostileScene, focal_lengths_of_zero_draw_numbers) {
  for (const auto& [fx, fy] : {std::pair{0.0f, 100.0f}, std::pair{100.0f, 0.0f}, std::pair{0.0f, 0.0f}}) {
    Scene scene = random_scene(100, 40, 30, 6);
    scene.camera.K[0] = fx;
    scene.camera.K[4] = fy;
    expect_numbers(render(scene));
  }
}

TEST_F(HostileScene, everything_behind_the_camera_leaves_the_background) {
  Scene scene = random_scene(3000, 40, 30, 7);
  scene.camera.viewmat[11] = -20;
  const Picture picture = render(scene, 2);
  EXPECT_EQ(picture.stats.visible, 0u);
  EXPECT_EQ(picture.stats.invalid, 0u);
  for (std::size_t i = 3; i < picture.rgba.size(); i += 4) EXPECT_EQ(picture.rgba[i], 0.0f);
  const Said said(scene);
  EXPECT_TRUE(std::all_of(said.radii.begin(), said.radii.end(), [](int r) { return r == 0; }));
}

TEST_F(HostileScene, no_gaussians_need_no_arrays) {
  Scene scene;
  scene.camera = plain_camera(33, 17);
  for (const Convention convention : {Convention::gsplat, Convention::inria}) {
    scene.options.convention = convention;
    EXPECT_TRUE(render(scene, 2).stats.complete);
    EXPECT_TRUE(Said(scene).radii.empty());
  }
}

TEST_F(HostileScene, every_small_size_of_picture_matches_the_reference) {
  for (int width = 1; width <= 34; width += 3) {
    for (const int height : {1, 2, 4, 5, 15, 16, 17, 33}) {
      SCOPED_TRACE(::testing::Message() << width << "x" << height);
      Scene scene = random_scene(40, width, height, static_cast<unsigned>(100 * width + height));
      scene.options.convention = width % 2 == 0 ? Convention::inria : Convention::gsplat;
      expect_close(render(scene, 2), render_reference(scene));
    }
  }
}

/// Bytes only, for a picture of gigabytes in floats.
std::vector<std::uint8_t> draw_bytes(const Scene& scene, int workers) {
  const PackedScene packed(scene);
  Workers pool(workers);
  const int width = scene.camera.width, height = scene.camera.height;
  std::vector<std::uint8_t> rgba8(static_cast<std::size_t>(width) * height * 4);
  gaussian::RasterLimits limits{scene.count, width, height, workers, 1u << 19};
  Aligned<std::byte> scratch(raster_scratch_bytes(limits));
  const auto stats = rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(),
                                   {rgba8.data(), std::int64_t{4} * width}, limits, scratch.data(), pool);
  EXPECT_TRUE(stats.complete);
  return rgba8;
}

TEST_F(HostileScene, one_splat_covers_pictures_up_to_8192_pixels_a_side) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{8192, 1}, std::pair{1, 8192},
                                      std::pair{4097, 63}, std::pair{8192, 8192}}) {
    SCOPED_TRACE(::testing::Message() << width << "x" << height);
    for (const Convention convention : {Convention::gsplat, Convention::inria}) {
      if (width == height && width > 1 && convention == Convention::inria) continue;  // as large, as slow
      Scene scene;
      scene.camera = plain_camera(width, height);
      scene.options.convention = convention;
      add_splat(scene, {0, 0, 1}, {1e4f, 1e4f, 1e4f}, 0.8f, kWhite);
      const auto pixels = draw_bytes(scene, 2);
      bool all = true;
      for (std::size_t i = 0; i < pixels.size(); i += 4)
        all = all && pixels[i] == 204 && pixels[i + 3] == 255;
      EXPECT_TRUE(all);
    }
  }
}

TEST_F(HostileScene, a_million_splats_in_one_tile_are_blended_in_order) {
  constexpr int kCount = 1000000;
  Scene scene;
  scene.camera = plain_camera(16, 16);
  scene.count = kCount;
  scene.sh_degree = gaussian::kPlainColors;
  scene.opacities.assign(kCount, 0.005f);
  scene.frames.resize(std::size_t{kCount} * 9);
  for (std::size_t i = 0; i < kCount; ++i) {
    // The nearest ones are spread over all of them: i * 7919 visits every depth once.
    const double depth = 1 + static_cast<double>(i * 7919 % kCount) / kCount;
    scene.means.insert(scene.means.end(), {0, 0, static_cast<float>(depth)});
    for (std::size_t axis = 0; axis < 3; ++axis) scene.frames[i * 9 + axis * 4] = 100;
    scene.sh.insert(scene.sh.end(), {static_cast<float>(depth), 1, 0});
  }
  const Picture picture = render(scene, 2);
  EXPECT_EQ(picture.stats.visible, static_cast<std::size_t>(kCount));
  double left = 1, red = 0;
  for (int i = 0; left * 0.995 > 1e-4; ++i, left *= 0.995) red += 0.005 * left * (1 + i * 1e-6);
  for (std::size_t i = 0; i < picture.rgba.size(); i += 4) {
    EXPECT_NEAR(picture.rgba[i], red, 2e-4);
    EXPECT_NEAR(picture.rgba[i + 3], 1 - left, 1e-4);
  }
}

}  // namespace
}  // namespace talkrt::testing
