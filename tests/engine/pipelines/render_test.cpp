// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "engine/src/deform/deformer.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/camera.hpp"
#include "engine/src/render/gaussian_renderer.hpp"
#include "tests/engine/pipelines/serial_executor.hpp"

namespace talkrt::render {
namespace {

plan::Manifest manifest() {
  plan::Manifest m;
  m.width = 512;
  m.height = 256;
  m.gaussian.emplace();
  m.gaussian->camera.K = {1000, 0, 250, 0, 1000, 120, 0, 0, 1};
  m.gaussian->camera.viewmat = {1, 0, 0, 0.1f, 0, -1, 0, 0, 0, 0, -1, 0.8f, 0, 0, 0, 1};
  return m;
}

TEST(Camera, the_plans_own_size_is_the_plans_camera) {
  const gaussian::Camera camera = scaled_camera(manifest(), 512, 256);
  EXPECT_TRUE(std::equal(camera.K, camera.K + 9, manifest().gaussian->camera.K.begin()));
}

TEST(Camera, keeps_the_vertical_field_of_view_and_the_heads_place) {
  for (const auto& [width, height] : {std::pair{1024, 512}, {512, 512}, {100, 64}}) {
    const gaussian::Camera camera = scaled_camera(manifest(), width, height);
    const float scale = static_cast<float>(height) / 256;
    EXPECT_FLOAT_EQ(camera.K[4] / static_cast<float>(height), 1000.0f / 256);
    EXPECT_FLOAT_EQ(camera.K[0], camera.K[4]);
    EXPECT_FLOAT_EQ(camera.K[5], 120 * scale);
    // 6 pixels left of the centre in the plan.
    EXPECT_FLOAT_EQ(camera.K[2], 0.5f * static_cast<float>(width) - 6 * scale);
  }
}

TEST(Camera, distance_scales_the_depth_of_the_heads_origin) {
  const gaussian::Camera camera = scaled_camera(manifest(), 512, 256);
  EXPECT_FLOAT_EQ(dollied(camera, 2).viewmat[11], 1.6f);
  EXPECT_FLOAT_EQ(dollied(camera, 1).viewmat[11], 0.8f);
  EXPECT_FLOAT_EQ(dollied(camera, 2).viewmat[3], 0.1f);
}

TEST(Backdrop, the_same_size_is_a_copy) {
  std::vector<std::uint8_t> in(7 * 5 * 3), out(in.size());
  std::iota(in.begin(), in.end(), std::uint8_t{0});
  resize_rgb8({in.data(), 7, 5}, 7, 5, out);
  EXPECT_EQ(in, out);
}

TEST(Backdrop, shrinking_averages_and_growing_interpolates) {
  const std::vector<std::uint8_t> in{0, 0, 0, 100, 100, 100, 0, 0, 0, 100, 100, 100};  // 4 x 1
  std::vector<std::uint8_t> half(3 * 2), twice(3 * 8);
  resize_rgb8({in.data(), 4, 1}, 2, 1, half);
  EXPECT_NEAR(half[0], 50, 13);
  resize_rgb8({in.data(), 4, 1}, 8, 1, twice);
  EXPECT_EQ(twice[0], 0);
  EXPECT_EQ(twice[3], 25);
  EXPECT_EQ(twice[6], 75);
  EXPECT_EQ(twice[21], 100);
}

TEST(Backdrop, a_flat_picture_stays_flat_at_any_size) {
  const std::vector<std::uint8_t> in(9 * 4 * 3, 133);
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 17}, {64, 2}}) {
    std::vector<std::uint8_t> out(static_cast<std::size_t>(width * height * 3));
    resize_rgb8({in.data(), 9, 4}, width, height, out);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](std::uint8_t v) { return v == 133; }));
  }
}

TEST(GaussianRenderer, a_view_beyond_the_scratch_grows_it_and_draws_the_whole_picture) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  device::Budget budget("test", 0);
  const deform::Rig rig(plan, budget);
  deform::Deformer deformer(rig, *plan.manifest().gaussian, budget);
  SerialExecutor executor;
  const Figure figure{&rig.view(), deformer.pose()};
  constexpr int kSide = 2048;
  const gaussian::Camera near = scaled_camera(plan.manifest(), kSide, kSide), far = dollied(near, 40);
  std::vector<std::uint8_t> grown(4 * kSide * kSide), ready(grown.size());
  const gaussian::Target a{grown.data(), 4 * kSide, nullptr, nullptr},
      b{ready.data(), 4 * kSide, nullptr, nullptr};

  std::vector<std::string> warnings;
  GaussianRenderer small(figure, far, gaussian::RasterOptions{}, {}, a, executor, budget,
                         [&](const std::string& message) { warnings.push_back(message); });
  const auto before = budget.used(device::MemoryKind::host);
  small.draw(figure, {}, near, {}, a, executor);
  ASSERT_EQ(warnings.size(), 1u) << "48 splats at 2048 x 2048 touch more tiles than the headroom";
  EXPECT_GT(budget.used(device::MemoryKind::host), before);
  small.draw(figure, {}, near, {}, a, executor);
  EXPECT_EQ(warnings.size(), 1u);

  GaussianRenderer large(figure, near, gaussian::RasterOptions{}, {}, b, executor, budget, {});
  large.draw(figure, {}, near, {}, b, executor);
  EXPECT_EQ(grown, ready);
}

TEST(GaussianRenderer, draws_the_whole_picture_whichever_channels_moved) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  device::Budget budget("test", 0);
  const deform::Rig rig(plan, budget);
  deform::Deformer deformer(rig, *plan.manifest().gaussian, budget);
  SerialExecutor executor;
  constexpr int kSide = 96;
  const gaussian::Camera camera = scaled_camera(plan.manifest(), kSide, kSide);
  std::vector<std::uint8_t> pictures[3], expected(4 * kSide * kSide);
  for (auto& picture : pictures) picture.resize(expected.size());
  const auto target = [](std::vector<std::uint8_t>& pixels) {
    return gaussian::Target{pixels.data(), 4 * kSide, nullptr, nullptr};
  };
  GaussianRenderer renderer({&rig.view(), deformer.pose()}, camera, gaussian::RasterOptions{}, {},
                            target(pictures[0]), executor, budget, {});
  const gaussian::RasterLimits limits{rig.view().rest.count, kSide, kSide, 1, 100000};
  std::vector<std::byte> memory(gaussian::raster_scratch_bytes(limits) + 64);
  std::byte* scratch = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;

  std::mt19937 random(11);
  std::vector<float> channels(plan.manifest().gaussian->channels.size());
  int partial = 0;
  for (std::size_t frame = 0; frame < 200; ++frame) {
    if (frame % 4 != 0) channels[random() % channels.size()] = static_cast<float>(random() * 0x1p-32);
    deformer.set(channels);
    partial += deformer.changes().all ? 0 : 1;
    renderer.draw({&rig.view(), deformer.pose()}, deformer.changes(), camera, {}, target(pictures[frame % 3]),
                  executor);
    rasterize_cpu(deformer.posed(executor), camera, {}, {}, target(expected), limits, scratch, executor);
    ASSERT_EQ(pictures[frame % 3], expected) << "frame " << frame;
  }
  EXPECT_GT(partial, 50);
}

}  // namespace
}  // namespace talkrt::render
