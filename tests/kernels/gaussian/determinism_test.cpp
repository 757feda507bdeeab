// SPDX-License-Identifier: Apache-2.0
//
// The same picture, bit for bit, whoever draws it; and only the memory it was given.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using Determinism = KernelTest;

bool same(const Picture& a, const Picture& b) {
  return a.rgba8 == b.rgba8 && std::memcmp(a.rgba.data(), b.rgba.data(), a.rgba.size() * 4) == 0 &&
         std::memcmp(a.depth.data(), b.depth.data(), a.depth.size() * 4) == 0;
}

TEST_F(Determinism, picture_is_bit_identical_for_any_number_of_workers) {
  const Scene scene = random_scene(20000, 190, 150, 5, 1, true);
  const Picture one = render(scene, 1);
  for (const int workers : {2, 3, 7}) EXPECT_TRUE(same(one, render(scene, workers))) << workers << " workers";
}

TEST_F(Determinism, picture_is_bit_identical_in_every_run) {
  const Scene scene = random_scene(5000, 100, 100, 6);
  const Picture first = render(scene, 3);
  for (int run = 0; run < 5; ++run) EXPECT_TRUE(same(first, render(scene, 3)));
}

TEST_F(Determinism, old_contents_of_the_scratch_and_its_end_do_not_matter) {
  const Scene scene = random_scene(1500, 100, 60, 7);
  const PackedScene packed(scene);
  Workers pool(2);
  const Picture expected = render(scene, 2);
  gaussian::RasterLimits limits{scene.count, 100, 60, 2, expected.stats.intersections};
  const std::size_t bytes = gaussian::raster_scratch_bytes(limits);
  for (const std::byte filler : {std::byte{0x00}, std::byte{0xff}, std::byte{0x7f}}) {
    Aligned<std::byte> scratch(bytes + 4096, filler);
    std::vector<std::uint8_t> rgba8(expected.rgba8.size());
    const gaussian::Target target{rgba8.data(), 400, nullptr, nullptr};
    const auto stats = rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(), target,
                                     limits, scratch.data(), pool);
    ASSERT_TRUE(stats.complete);
    EXPECT_EQ(rgba8, expected.rgba8);
    EXPECT_TRUE(std::all_of(scratch.begin() + static_cast<std::ptrdiff_t>(bytes), scratch.end(),
                            [&](std::byte b) { return b == filler; }));
  }
}

TEST_F(Determinism, too_small_a_limit_draws_nothing_and_says_what_is_needed) {
  const Scene scene = random_scene(300, 64, 64, 8);
  const PackedScene packed(scene);
  Workers pool(2);
  const std::size_t needed = render(scene).stats.intersections;
  gaussian::RasterLimits limits{scene.count, 64, 64, 2, needed - 1};
  Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  std::vector<std::uint8_t> rgba8(64 * 64 * 4, 123);
  std::vector<float> rgba(64 * 64 * 4, 7.0f);
  const gaussian::Target target{rgba8.data(), 256, rgba.data(), nullptr};
  const auto stats = rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(), target,
                                   limits, scratch.data(), pool);
  EXPECT_FALSE(stats.complete);
  EXPECT_EQ(stats.intersections, needed);
  EXPECT_TRUE(std::all_of(rgba8.begin(), rgba8.end(), [](auto v) { return v == 123; }));
  EXPECT_TRUE(std::all_of(rgba.begin(), rgba.end(), [](auto v) { return v == 7.0f; }));
}

TEST_F(Determinism, arguments_that_contradict_the_limits_are_refused) {
  const Scene scene = random_scene(100, 64, 64, 9);
  const PackedScene packed(scene);
  Workers pool(1);
  const auto attempt = [&](gaussian::RasterLimits limits) {
    Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
    rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(), {}, limits,
                  scratch.data(), pool);
  };
  EXPECT_THROW(attempt({99, 64, 64, 1, 10000}), std::invalid_argument);
  EXPECT_THROW(attempt({100, 48, 64, 1, 10000}), std::invalid_argument);
  EXPECT_NO_THROW(attempt({100, 64, 64, 1, 10000}));
}

TEST_F(Determinism, rows_are_written_at_the_stride_and_nothing_between_them) {
  Scene scene = random_scene(200, 37, 21, 10);
  const Picture expected = render(scene);
  const PackedScene packed(scene);
  Workers pool(1);
  gaussian::RasterLimits limits{scene.count, 37, 21, 1, expected.stats.intersections};
  Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  const std::int64_t stride = 37 * 4 + 13;
  std::vector<std::uint8_t> rgba8(static_cast<std::size_t>(stride) * 21, 9);
  rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(), {rgba8.data(), stride},
                limits, scratch.data(), pool);
  for (int y = 0; y < 21; ++y) {
    const std::uint8_t* row = rgba8.data() + y * stride;
    EXPECT_EQ(std::memcmp(row, expected.rgba8.data() + y * 37 * 4, 37 * 4), 0);
    EXPECT_TRUE(std::all_of(row + 37 * 4, row + stride, [](auto v) { return v == 9; }));
  }
}

}  // namespace
}  // namespace talkrt::testing
