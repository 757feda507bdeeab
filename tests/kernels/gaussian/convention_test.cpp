// SPDX-License-Identifier: Apache-2.0
//
// Where gsplat's and Inria's rules differ, and the other options that change which splats are drawn. Every
// test here fails when the option is ignored.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Convention;
using Conventions = KernelTest;

constexpr std::array<float, 3> kWhite{1, 1, 1};

/// A camera at the origin that looks along +z; one unit at depth 1 is 100 px.
Scene empty_scene(int width, int height) {
  Scene scene;
  scene.camera = plain_camera(width, height);
  scene.camera.K[0] = scene.camera.K[4] = 100;
  return scene;
}

Picture with(Scene scene, Convention convention) {
  scene.options.convention = convention;
  return render(scene, 2);
}

float alpha_at(const Picture& picture, int x, int y) {
  return picture.rgba[(static_cast<std::size_t>(y) * picture.width + x) * 4 + 3];
}

double largest_difference(const Picture& a, const Picture& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.rgba.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a.rgba[i]) - b.rgba[i]));
  }
  return largest;
}

TEST_F(Conventions, random_scenes_match_the_scalar_reference_by_inria_rules) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene = random_scene(900, seed % 2 == 0 ? 131 : 96, 77, seed, static_cast<int>(seed % 4), seed > 3);
    scene.options.convention = Convention::inria;
    scene.options.near_plane = gaussian::default_near_plane(Convention::inria);
    scene.options.antialias = seed == 5;
    expect_close(render(scene, 2), render_reference(scene));
    EXPECT_GT(largest_difference(render(scene), with(scene, Convention::gsplat)), 1e-3);
  }
}

TEST_F(Conventions, inria_does_not_draw_a_mean_on_its_near_plane) {
  EXPECT_EQ(gaussian::default_near_plane(Convention::gsplat), 0.01f);
  EXPECT_EQ(gaussian::default_near_plane(Convention::inria), 0.2f);
  for (const float near : {0.01f, 0.2f, 3.0f}) {
    Scene scene = empty_scene(32, 32);
    scene.options.near_plane = near;
    add_splat(scene, {0, 0, near}, {0.05f, 0.05f, 0.05f}, 0.9f, kWhite);
    EXPECT_EQ(with(scene, Convention::gsplat).stats.visible, 1u);
    EXPECT_EQ(with(scene, Convention::inria).stats.visible, 0u);
    scene.means[2] = std::nextafter(near, 10.0f);
    EXPECT_EQ(with(scene, Convention::inria).stats.visible, 1u);
  }
}

// Variances 1 and 0.3 square pixels: r = 3, so from x = 13.99 (from the centre of the first pixel) the tile
// that begins at 16 is not listed, 2.01 deviations away.
TEST_F(Conventions, inria_cuts_a_splat_at_the_tiles_of_its_square) {
  Scene scene = empty_scene(48, 32);
  const float sigma = std::sqrt(0.7f) * 0.01f;
  add_splat(scene, {(14.49f - 24) / 100, (8.5f - 16) / 100, 1}, {sigma, 0, 0}, 0.9f, kWhite);
  const Picture exact = with(scene, Convention::gsplat), cut = with(scene, Convention::inria);
  EXPECT_NEAR(alpha_at(exact, 16, 8), 0.9 * std::exp(-0.5 * 2.01 * 2.01), 2e-3);
  EXPECT_EQ(alpha_at(cut, 16, 8), 0.0f);
  EXPECT_EQ(alpha_at(cut, 15, 8), alpha_at(exact, 15, 8));
}

TEST_F(Conventions, inria_colours_pixels_beyond_its_radius_within_a_listed_tile) {
  Scene scene = empty_scene(64, 32);
  add_splat(scene, {(8.5f - 32) / 100, 0.005f, 1}, {0.1f, 0.01f, 0.01f}, 0.99f, kWhite);
  const Picture exact = with(scene, Convention::gsplat), listed = with(scene, Convention::inria);
  EXPECT_GT(alpha_at(listed, 40, 16), 0.005f);  // 32 px away; the radius is 31
  for (int x = 0; x < 48; ++x) EXPECT_EQ(alpha_at(listed, x, 16), alpha_at(exact, x, 16));
}

// What Inria drops lies beyond its square, or within the last pixel of its right and lower sides, where the
// tile after the last is rounded away. On a splat alone that is the whole difference between the two.
TEST_F(Conventions, what_inria_cuts_off_a_splat_is_bounded) {
  double worst_behind = 0, worst_ahead = 0;
  std::mt19937 bits(7);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (bits() * 0x1p-32); };
  for (int trial = 0; trial < 400; ++trial) {
    Scene scene = empty_scene(96, 96);
    const float long_side = static_cast<float>(std::exp(uniform(std::log(0.002), std::log(0.12))));
    const float opacity = static_cast<float>(uniform(0.1, 0.99));
    const auto mean = [&] { return static_cast<float>(uniform(-0.3, 0.3)); };
    add_splat(scene, {mean(), mean(), 1}, {long_side, static_cast<float>(long_side * uniform(0, 1)), 0.001f},
              opacity, kWhite, rotation(0, 0, uniform(-3, 3)));
    const Picture exact = with(scene, Convention::gsplat), cut = with(scene, Convention::inria);
    const double x = 48 + 100 * scene.means[0], y = 48 + 100 * scene.means[1];
    for (int row = 0; row < 96; ++row) {
      for (int column = 0; column < 96; ++column) {
        const double lost = (alpha_at(exact, column, row) - alpha_at(cut, column, row)) / opacity;
        ASSERT_GE(lost, 0);
        double& worst = column + 0.5 > x || row + 0.5 > y ? worst_ahead : worst_behind;
        worst = std::max(worst, lost);
      }
    }
  }
  EXPECT_LE(worst_behind, std::exp(-4.5) + 1e-4);
  EXPECT_LE(worst_ahead, std::exp(-2.0) + 1e-4);
  EXPECT_GT(worst_behind, 0.004);  // both bounds are met by something
  EXPECT_GT(worst_ahead, 0.02);
}

TEST_F(Conventions, inria_clamps_the_jacobian_as_if_the_principal_point_were_the_centre) {
  Scene scene = empty_scene(64, 48);
  scene.camera.K[2] = 8;
  scene.camera.K[5] = 44;
  add_splat(scene, {0.9f, -0.9f, 1}, {0.4f, 0.3f, 0.2f}, 0.9f, kWhite, rotation(0.4, 0.9, 0.2));
  EXPECT_GT(largest_difference(with(scene, Convention::gsplat), with(scene, Convention::inria)), 0.01);
  for (const Convention convention : {Convention::gsplat, Convention::inria}) {
    scene.options.convention = convention;
    expect_close(render(scene), render_reference(scene));
  }
}

// Stacks of splats that leave a transmittance near 1e-4, so many that some leave exactly that; the last one
// is faint, so that even without a fused multiply-add every float near 1e-4 can come out. Black splats on
// white show the transmittance itself.
TEST_F(Conventions, only_gsplat_leaves_out_a_splat_that_takes_transmittance_to_the_limit_itself) {
  constexpr int kSide = 512, kApart = 4;
  std::mt19937 bits(11);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (bits() * 0x1p-32); };
  std::size_t at_limit[2] = {};
  for (int run = 0; run < 4; ++run) {
    Scene scene = empty_scene(kSide, kSide);
    for (float& c : scene.color) c = 1;
    for (int y = kApart / 2; y < kSide; y += kApart) {
      for (int x = kApart / 2; x < kSide; x += kApart) {
        const double a = uniform(0.9, 0.95), b = uniform(0.9, 0.95), left = uniform(1.05e-4, 1.2e-4);
        for (const double opacity : {a, b, 1 - left / ((1 - a) * (1 - b)), 1 - 1e-4 / left}) {
          add_splat(scene, {(x + 0.5f - kSide / 2) / 100, (y + 0.5f - kSide / 2) / 100, 1}, {0, 0, 0},
                    static_cast<float>(opacity), {0, 0, 0});
        }
      }
    }
    for (const Convention convention : {Convention::gsplat, Convention::inria}) {
      const Picture picture = with(scene, convention);
      for (std::size_t pixel = 0; pixel < picture.rgba.size(); pixel += 4) {
        at_limit[static_cast<int>(convention)] += picture.rgba[pixel] == gaussian::kMinTransmittance;
        ASSERT_GE(picture.rgba[pixel], gaussian::kMinTransmittance);
      }
    }
  }
  EXPECT_EQ(at_limit[static_cast<int>(Convention::gsplat)], 0u);
  EXPECT_GT(at_limit[static_cast<int>(Convention::inria)], 0u);
}

TEST_F(Conventions, radius_clip_leaves_out_splats_up_to_that_many_pixels) {
  for (const Convention convention : {Convention::gsplat, Convention::inria}) {
    Scene scene = empty_scene(64, 64);
    scene.options.convention = convention;
    add_splat(scene, {0, 0, 1}, {0.03f, 0.01f, 0.01f}, 0.9f, kWhite);
    const double variance = 9.3, eigenvalue = 5.3 + 4;
    const double extent = convention == Convention::inria ? 3 * std::sqrt(eigenvalue)
                                                          : std::sqrt(2 * std::log(255 * 0.9) * variance);
    const float radius = static_cast<float>(std::ceil(extent));
    for (const auto& [clip, drawn] : {std::pair{radius - 1, 1u}, std::pair{radius - 0.01f, 1u},
                                      std::pair{radius, 0u}, std::pair{1e9f, 0u}}) {
      scene.options.radius_clip = clip;
      EXPECT_EQ(render(scene).stats.visible, drawn) << clip;
      EXPECT_EQ(render(scene).stats.invalid, 0u);
    }
  }
}

TEST_F(Conventions, dilation_and_radius_clip_match_the_scalar_reference) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene = random_scene(700, 90, 70, 20 + seed);
    scene.options.convention = seed % 2 == 0 ? Convention::inria : Convention::gsplat;
    scene.options.eps2d = seed < 3 ? 0.05f : 4.0f;
    scene.options.radius_clip = seed < 3 ? 3.0f : 0.0f;
    scene.options.antialias = seed == 4;
    expect_close(render(scene), render_reference(scene));
    Scene usual = scene;
    usual.options.eps2d = gaussian::kDilation;
    EXPECT_GT(largest_difference(render(scene), render(usual)), 1e-2);
  }
}

TEST_F(Conventions, a_splat_without_area_is_not_drawn_and_not_invalid_without_dilation) {
  Scene scene = empty_scene(32, 32);
  scene.options.eps2d = 0;
  add_splat(scene, {0, 0, 1}, {0, 0, 0}, 0.9f, kWhite);
  add_splat(scene, {0, 0, 1}, {0.1f, 0, 0}, 0.9f, kWhite);
  const Picture picture = render(scene);
  EXPECT_EQ(picture.stats.visible, 0u);
  EXPECT_EQ(picture.stats.invalid, 0u);
}

TEST_F(Conventions, plain_colours_are_drawn_as_they_are) {
  Scene scene = empty_scene(32, 32);
  add_splat(scene, {0.005f, 0.005f, 1}, {0.05f, 0.05f, 0.05f}, 0.5f, kWhite);
  scene.sh_degree = gaussian::kPlainColors;
  scene.sh = {-2, 0.25f, 7};
  const Picture picture = render(scene);
  const float* pixel = picture.rgba.data() + (16 * 32 + 16) * 4;
  EXPECT_NEAR(pixel[0], -1, 1e-5);
  EXPECT_NEAR(pixel[1], 0.125, 1e-6);
  EXPECT_NEAR(pixel[2], 3.5, 4e-5);
  expect_close(picture, render_reference(scene));
}

}  // namespace
}  // namespace talkrt::testing
