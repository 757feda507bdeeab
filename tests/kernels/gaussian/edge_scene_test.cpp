// SPDX-License-Identifier: Apache-2.0
//
// The scenes where renderers go wrong. Camera at the origin, looking along +z; one unit at depth 1 is 100 px.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using EdgeScene = KernelTest;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
constexpr std::array<float, 3> kRed{1, 0, 0}, kBlue{0, 0, 1}, kWhite{1, 1, 1};

Scene empty_scene(int width = 32, int height = 32) {
  Scene scene;
  scene.camera = plain_camera(width, height);
  scene.camera.K[0] = scene.camera.K[4] = 100;
  return scene;
}

/// The mean that lands on pixel coordinates (x, y) at depth z.
std::array<float, 3> at(const Scene& scene, float x, float y, float z = 1) {
  return {(x - scene.camera.K[2]) / 100 * z, (y - scene.camera.K[5]) / 100 * z, z};
}

const float* pixel(const Picture& picture, int x, int y) {
  return picture.rgba.data() + (static_cast<std::ptrdiff_t>(y) * picture.width + x) * 4;
}

TEST_F(EdgeScene, no_splats_leave_the_background) {
  Scene scene = empty_scene(19, 5);
  scene.color[1] = 0.5f;
  const Picture picture = render(scene);
  EXPECT_TRUE(picture.stats.complete);
  for (std::size_t i = 0; i < 19 * 5; ++i) {
    EXPECT_EQ(picture.rgba[i * 4 + 1], 0.5f);
    EXPECT_EQ(picture.rgba[i * 4 + 3], 0.0f);
    EXPECT_EQ(picture.rgba8[i * 4 + 1], 128);
    EXPECT_EQ(picture.rgba8[i * 4 + 3], 255);
    EXPECT_EQ(picture.depth[i], 0.0f);
  }
}

TEST_F(EdgeScene, second_saturated_splat_is_left_out) {
  Scene scene = empty_scene();
  add_splat(scene, at(scene, 16.5f, 16.5f, 1), {0.05f, 0.05f, 0.05f}, 1, kRed);
  add_splat(scene, at(scene, 16.5f, 16.5f, 2), {0.1f, 0.1f, 0.1f}, 1, kBlue);
  const Picture picture = render(scene);
  EXPECT_NEAR(pixel(picture, 16, 16)[0], 0.99f, 1e-6);
  EXPECT_EQ(pixel(picture, 16, 16)[2], 0.0f);
  EXPECT_NEAR(picture.depth[16 * 32 + 16], 1.0f, 1e-6);
  expect_close(picture, render_reference(scene));
}

TEST_F(EdgeScene, equal_depths_are_drawn_in_index_order) {
  Scene scene = empty_scene();
  for (const auto& color : {kRed, kBlue, kWhite}) {
    add_splat(scene, at(scene, 16.5f, 16.5f), {0.05f, 0.05f, 0.05f}, 0.6f, color);
  }
  expect_close(render(scene), render_reference(scene));
  EXPECT_GT(pixel(render(scene), 16, 16)[0], pixel(render(scene), 16, 16)[2]);
}

TEST_F(EdgeScene, neighbouring_depths_in_float32_are_kept_apart) {
  Scene scene = empty_scene();
  const float far = 5.5f, near = std::nextafter(far, 0.0f);
  scene.camera.K[2] = scene.camera.K[5] = 16.5f;
  add_splat(scene, {0, 0, far}, {0.3f, 0.3f, 0.3f}, 0.9f, kBlue);
  add_splat(scene, {0, 0, near}, {0.3f, 0.3f, 0.3f}, 0.9f, kRed);
  add_splat(scene, {0, 0, 400}, {9, 9, 9}, 0.9f, kWhite);  // stretches the range of depths
  EXPECT_GT(pixel(render(scene), 16, 16)[0], 0.85f);
}

TEST_F(EdgeScene, layer_1_is_behind_layer_0_even_when_nearer) {
  Scene scene = empty_scene();
  add_splat(scene, at(scene, 16, 16, 0.5f), {0.05f, 0.05f, 0.05f}, 0.9f, kBlue, rotation(0, 0, 0), 1);
  add_splat(scene, at(scene, 16, 16, 2), {0.2f, 0.2f, 0.2f}, 0.9f, kRed);
  const Picture picture = render(scene);
  EXPECT_GT(pixel(picture, 15, 15)[0], 0.85f);
  expect_close(picture, render_reference(scene));
}

TEST_F(EdgeScene, opacity_just_below_one_step_is_not_drawn_and_just_above_is) {
  for (const auto& [opacity, drawn] : {std::pair{0.9999f / 255, false}, std::pair{1.001f / 255, true}}) {
    Scene scene = empty_scene();
    add_splat(scene, at(scene, 16.5f, 16.5f), {0.02f, 0.02f, 0.02f}, opacity, kWhite);
    const Picture picture = render(scene);
    EXPECT_EQ(pixel(picture, 16, 16)[3] > 0, drawn);
    EXPECT_EQ(picture.stats.visible, drawn ? 1u : 0u);
  }
}

TEST_F(EdgeScene, shapes_and_places_match_the_reference) {
  struct Shape {
    const char* name;
    std::array<float, 3> mean, scale;
    float turn;
  };
  const Shape shapes[] = {
      {"on a pixel centre", {0.005f, 0.005f, 1}, {0.02f, 0.02f, 0.02f}, 0},
      {"on a tile edge", {0, 0, 1}, {0.02f, 0.02f, 0.02f}, 0},
      {"scale 0", {0.003f, -0.002f, 1}, {0, 0, 0}, 0},
      {"needle", {0, 0, 1}, {0.4f, 0.0004f, 0.0004f}, 0.7f},
      {"needle of many images", {0, 0, 1}, {20.0f, 0.0004f, 0.0004f}, 0.7f},
      {"over the whole image", {0.3f, 0.1f, 1}, {30, 20, 1}, 0.3f},
      {"outside, reaching in", {-0.5f, 0.4f, 1}, {0.3f, 0.2f, 0.1f}, 0.5f},
      {"far outside, reaching in", {-30, 4, 10}, {20, 15, 1}, 0.5f},
      {"at the near plane", {0, 0, 0.01f}, {0.001f, 0.001f, 0.001f}, 0},
      {"behind the camera", {0, 0, -1}, {0.5f, 0.5f, 0.5f}, 0},
      {"a speck far away", {100, 50, 5000}, {1, 1, 1}, 0},
  };
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.name);
    for (const bool antialias : {false, true}) {
      Scene scene = empty_scene(70, 50);
      scene.camera.K[2] = 31;
      scene.camera.K[5] = 28;
      scene.options.antialias = antialias;
      add_splat(scene, shape.mean, shape.scale, 0.95f, {0.2f, 0.9f, 0.4f}, rotation(0.1, 0.2, shape.turn));
      expect_close(render(scene), render_reference(scene));
    }
  }
}

TEST_F(EdgeScene, broken_parameters_are_dropped_counted_and_never_spread) {
  Scene clean = random_scene(64, 48, 40, 3, 1);
  for (const float broken : {kNaN, kInf, -kInf}) {
    for (int field = 0; field < 4; ++field) {
      Scene scene = clean;
      const int victim = 21;
      float* values[] = {scene.means.data() + victim * 3, scene.frames.data() + victim * 9,
                         scene.opacities.data() + victim, scene.sh.data() + victim * 12};
      const int sizes[] = {3, 9, 1, 12};
      for (int i = 0; i < sizes[field]; ++i) {
        const float old = values[field][i];
        values[field][i] = broken;
        const Picture picture = render(scene);
        EXPECT_EQ(picture.stats.invalid, 1u) << "field " << field << " value " << i;
        Scene without = clean;
        without.opacities[victim] = 0;
        EXPECT_EQ(picture.rgba, render(without).rgba);
        values[field][i] = old;
      }
    }
  }
}

TEST_F(EdgeScene, numbers_that_overflow_are_dropped) {
  Scene scene = empty_scene();
  add_splat(scene, {0, 0, 1}, {1e30f, 1e30f, 1e30f}, 0.9f, kRed);
  add_splat(scene, {3e38f, 0, 1}, {1, 1, 1}, 0.9f, kRed);
  add_splat(scene, {0, 0, 1}, {0.02f, 0.02f, 0.02f}, 0.9f, kBlue);
  const Picture picture = render(scene);
  EXPECT_EQ(picture.stats.visible, 1u);
  EXPECT_EQ(picture.stats.invalid, 2u);
  for (const float value : picture.rgba) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(EdgeScene, contents_of_the_padding_are_ignored) {
  Scene scene = random_scene(32, 40, 40, 4);
  for (std::size_t i = 17; i < 32; ++i) {
    scene.means[i * 3] = i % 2 == 0 ? kNaN : 0;
    scene.opacities[i] = 1;
  }
  Scene shorter = scene;
  shorter.count = 17;  // packed with zeros for padding, unlike the longer one
  const Picture expected = render(shorter);
  const PackedScene packed(scene);
  gaussian::Splats splats = packed.splats();
  splats.count = 17;
  Workers pool(1);
  const gaussian::RasterLimits limits{17, 40, 40, 1, 4096};
  Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  std::vector<std::uint8_t> rgba8(expected.rgba8.size());
  const auto stats = rasterize_cpu(splats, scene.camera, scene.options, scene.background(),
                                   {rgba8.data(), 160}, limits, scratch.data(), pool);
  EXPECT_EQ(stats.invalid, 0u);
  EXPECT_EQ(rgba8, expected.rgba8);
}

TEST_F(EdgeScene, lists_longer_than_a_batch_keep_their_order) {
  Scene scene = empty_scene(16, 16);
  for (int i = 0; i < 1200; ++i) {
    const float shade = static_cast<float>(i % 7) / 7;
    // Later splats are nearer; faint enough for hundreds to show.
    add_splat(
        scene,
        at(scene, static_cast<float>(i % 16), static_cast<float>(i % 13), 3 - 0.001f * static_cast<float>(i)),
        {3, 3, 3}, 0.006f, {shade, 1 - shade, 0.5f});
  }
  EXPECT_EQ(render(scene).stats.intersections, 1200u);
  expect_close(render(scene, 3), render_reference(scene));
}

TEST_F(EdgeScene, opaque_front_stops_every_pixel) {
  Scene scene = empty_scene(20, 20);
  for (int i = 0; i < 600; ++i) {
    add_splat(scene, at(scene, 10, 10, 1 + 0.01f * static_cast<float>(i)), {5, 5, 5}, 0.8f,
              i < 5 ? kRed : kBlue);
  }
  const Picture picture = render(scene);
  for (int i = 0; i < 400; ++i) EXPECT_LT(picture.rgba[static_cast<std::size_t>(i) * 4 + 2], 0.001f);
  expect_close(picture, render_reference(scene));
}

TEST_F(EdgeScene, large_sides_are_drawn) {
  for (const auto& [width, height] : {std::pair{8192, 3}, std::pair{2, 8192}}) {
    Scene scene = random_scene(500, width, height, 12);
    expect_close(render(scene, 2), render_reference(scene));
  }
}

TEST_F(EdgeScene, transparent_bytes_are_not_premultiplied) {
  Scene scene = empty_scene();
  scene.backdrop = gaussian::Backdrop::transparent;
  add_splat(scene, at(scene, 16.5f, 16.5f), {0.03f, 0.03f, 0.03f}, 0.6f, {1, 0.25f, 0});
  const Picture picture = render(scene);
  const std::uint8_t* middle = picture.rgba8.data() + (16 * 32 + 16) * 4;
  EXPECT_EQ(middle[0], 255);
  EXPECT_EQ(middle[1], 64);
  EXPECT_EQ(middle[2], 0);
  EXPECT_EQ(middle[3], 153);
  EXPECT_NEAR(pixel(picture, 16, 16)[0], 0.6f, 1e-5);  // the float picture is
  EXPECT_EQ(picture.rgba8[3], 0);
}

TEST_F(EdgeScene, colours_above_one_clamp_only_in_bytes) {
  Scene scene = empty_scene();
  add_splat(scene, at(scene, 16.5f, 16.5f), {0.05f, 0.05f, 0.05f}, 0.9f, {3, -2, 0});
  const Picture picture = render(scene);
  EXPECT_NEAR(pixel(picture, 16, 16)[0], 2.7f, 1e-4);
  EXPECT_EQ(pixel(picture, 16, 16)[1], 0.0f);
  EXPECT_EQ(picture.rgba8[(16 * 32 + 16) * 4], 255);
}

}  // namespace
}  // namespace talkrt::testing
