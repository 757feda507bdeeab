// SPDX-License-Identifier: Apache-2.0
//
// A frame of which only the changes are drawn is the full frame, bit for bit, whatever moved before.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using gaussian::kBlock;

/// A scene that moves, drawn both ways.
class Stage {
 public:
  Stage(const Scene& scene, int workers, std::size_t intersections)
      : scene_(scene),
        rest_(scene),
        pool_(workers),
        limits_{scene.count, scene.camera.width, scene.camera.height, workers, intersections, true},
        scratch_(gaussian::raster_scratch_bytes(limits_), std::byte{0x7f}) {
    plain_limits_ = limits_;
    plain_limits_.history = false;
    plain_limits_.intersections = 2000000;
    plain_scratch_.resize(gaussian::raster_scratch_bytes(plain_limits_));
    for (auto* all : {&scene_.layers}) all->resize(static_cast<std::size_t>(scene.count));
  }

  Scene& scene() { return scene_; }
  const Scene& rest() const { return rest_; }
  void touch(int gaussian) { touched_.insert(static_cast<std::uint32_t>(gaussian / kBlock)); }
  void touch_everything() { everything_ = true; }

  /// Draws both ways and compares; the target is new memory with garbage in it, its rows apart.
  gaussian::RasterStats draw() {
    const PackedScene packed(scene_);
    const int width = scene_.camera.width, height = scene_.camera.height;
    const std::int64_t stride = width * 4 + static_cast<std::int64_t>(frame_ % 3) * 4;
    const auto bytes = static_cast<std::size_t>(stride) * static_cast<std::size_t>(height);
    std::vector<std::uint8_t> expected(bytes, 77), found(bytes, 77);
    for (int y = 0; y < height; ++y) std::fill_n(found.begin() + y * stride, width * 4, 200);
    const auto blocks = std::vector<std::uint32_t>(touched_.begin(), touched_.end());
    const gaussian::Changes changes{blocks.data(), static_cast<int>(blocks.size()), everything_};
    const auto stats =
        rasterize_changes_cpu(packed.splats(), changes, scene_.camera, scene_.options, scene_.background(),
                              {found.data(), stride}, limits_, scratch_.data(), history_, pool_);
    const auto full = rasterize_cpu(packed.splats(), scene_.camera, scene_.options, scene_.background(),
                                    {expected.data(), stride}, plain_limits_, plain_scratch_.data(), pool_);
    EXPECT_TRUE(full.complete);
    if (stats.complete) {
      EXPECT_TRUE(found == expected) << "frame " << frame_;
      EXPECT_EQ(stats.visible, full.visible);
    }
    EXPECT_EQ(stats.intersections, full.intersections);
    touched_.clear();
    everything_ = false;
    ++frame_;
    return stats;
  }

  /// A full frame through the same history that asks for depth, too.
  void draw_with_depth() {
    const PackedScene packed(scene_);
    const auto pixels = static_cast<std::size_t>(scene_.camera.width * scene_.camera.height);
    std::vector<std::uint8_t> rgba8(pixels * 4);
    std::vector<float> depth(pixels, -1);
    const gaussian::Target target{rgba8.data(), scene_.camera.width * 4, nullptr, depth.data()};
    const auto stats =
        rasterize_changes_cpu(packed.splats(), {nullptr, 0, true}, scene_.camera, scene_.options,
                              scene_.background(), target, limits_, scratch_.data(), history_, pool_);
    EXPECT_EQ(rgba8, render(scene_).rgba8);
    EXPECT_EQ(depth, render(scene_).depth);
    EXPECT_EQ(stats.tiles_drawn, pixels_to_tiles());
    touched_.clear();
    everything_ = false;
  }

  [[nodiscard]] std::size_t pixels_to_tiles() const {
    return static_cast<std::size_t>((scene_.camera.width + 15) / 16 * ((scene_.camera.height + 15) / 16));
  }

  gaussian::RasterHistory& history() { return history_; }

 private:
  Scene scene_, rest_;
  Workers pool_;
  gaussian::RasterLimits limits_, plain_limits_;
  Aligned<std::byte> scratch_, plain_scratch_;
  gaussian::RasterHistory history_;
  std::set<std::uint32_t> touched_;
  bool everything_ = false;
  int frame_ = 0;
};

/// One random thing that happens to Gaussian i.
void disturb(Stage& stage, int i, std::mt19937& bits) {
  Scene& scene = stage.scene();
  const Scene& rest = stage.rest();
  const auto uniform = [&] { return static_cast<float>(bits() * 0x1p-32); };
  const auto at = static_cast<std::size_t>(i);
  const auto restore = [&] {
    std::copy_n(&rest.means[3 * at], 3, &scene.means[3 * at]);
    std::copy_n(&rest.frames[9 * at], 9, &scene.frames[9 * at]);
    scene.opacities[at] = rest.opacities[at];
  };
  const std::size_t colors = scene.sh.size() / static_cast<std::size_t>(scene.count);
  switch (bits() % 12) {
    case 0:
      scene.opacities[at] = 0;
      break;
    case 1:
      scene.means[3 * at + bits() % 3] = std::numeric_limits<float>::quiet_NaN();
      break;
    case 2:
      scene.layers[at] ^= 1;
      break;
    case 3:
      scene.means[3 * at] += 50;  // out of the picture
      break;
    case 4:
      for (int c = 0; c < 9; ++c) scene.frames[9 * at + static_cast<std::size_t>(c)] *= 3 * uniform();
      break;
    case 5:
      scene.frames[9 * at + bits() % 9] = std::numeric_limits<float>::infinity();
      break;
    case 6:
      scene.sh[at * colors + bits() % colors] += uniform() - 0.5f;
      break;
    case 7:
      scene.opacities[at] = uniform();
      break;
    case 8:
    case 9:
      restore();
      break;
    default:
      restore();
      for (std::size_t c = 0; c < 3; ++c) scene.means[3 * at + c] += 0.1f * (uniform() - 0.5f);
  }
  stage.touch(i);
}

void change_the_view(Stage& stage, std::mt19937& bits, int width, int height) {
  Scene& scene = stage.scene();
  switch (bits() % 5) {
    case 0:
      scene.camera.viewmat[3] += 0.01f;
      break;
    case 1:
      scene.options.antialias = !scene.options.antialias;
      break;
    case 2:
      scene.color[bits() % 3] = static_cast<float>(bits() * 0x1p-32);
      break;
    case 3:
      scene.camera.width = width - static_cast<int>(bits() % 40);
      break;
    default:
      scene.camera.height = height - static_cast<int>(bits() % 40);
  }
}

using Changes = KernelTest;

TEST_F(Changes, are_the_full_frame_over_any_motion) {
  std::size_t frames = 0, partial = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    const int width = 90 + static_cast<int>(seed) * 9, height = 130 - static_cast<int>(seed) * 7;
    const Scene scene = random_scene(1200, width, height, 40 + seed, static_cast<int>(seed % 3), true);
    Stage stage(scene, 1 + static_cast<int>(seed % 4), 300000);
    std::mt19937 bits(seed);
    int home = 0;
    for (int frame = 0; frame < 60; ++frame, ++frames) {
      if (bits() % 16 == 0) change_the_view(stage, bits, width, height);
      if (bits() % 16 == 0) stage.touch_everything();
      if (bits() % 24 == 0) stage.draw_with_depth();
      if (bits() % 20 == 0) home = static_cast<int>(bits() % 1000);
      const int movers = bits() % 8 == 0 ? 0 : 1 << bits() % 7;
      for (int m = 0; m < movers; ++m) disturb(stage, home + static_cast<int>(bits() % 200), bits);
      partial += stage.draw().tiles_drawn < stage.pixels_to_tiles();
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(partial, frames / 2);
}

TEST_F(Changes, draw_nothing_when_nothing_changed_and_still_fill_the_target) {
  Stage stage(random_scene(500, 100, 70, 3), 2, 100000);
  stage.draw();  // shows the view
  stage.draw();  // keeps it
  EXPECT_EQ(stage.draw().tiles_drawn, 0u);
  stage.touch(20);  // said to have changed, and did not
  EXPECT_EQ(stage.draw().tiles_drawn, 0u);
}

TEST_F(Changes, draw_only_the_tiles_that_a_mover_was_and_is_in) {
  Scene scene;
  scene.camera = plain_camera(160, 160);
  for (int i = 0; i < 64; ++i) {
    const float x = 0.3f * static_cast<float>(i % 8 - 3), y = 0.3f * static_cast<float>(i / 8 - 3);
    add_splat(scene, {x, y, 6}, {0.01f, 0.01f, 0.01f}, 0.9f, {1, 0, 0});
  }
  Stage stage(scene, 2, 10000);
  stage.draw();
  stage.draw();
  stage.scene().means[0] += 0.9f;
  stage.touch(0);
  const auto stats = stage.draw();
  EXPECT_GE(stats.tiles_drawn, 2u);
  EXPECT_LE(stats.tiles_drawn, 8u);
}

TEST_F(Changes, follow_a_crowd_of_movers_beyond_their_room) {
  Stage stage(random_scene(800, 120, 120, 4), 2, 0);
  const std::size_t needed = stage.draw().intersections;  // incomplete: no room at all
  Stage tight(random_scene(800, 120, 120, 4), 2, needed + needed / 8);
  std::mt19937 bits(9);
  tight.draw();
  for (int frame = 0; frame < 40; ++frame) {
    for (int m = 0; m < 150; ++m) {
      const int i = static_cast<int>(bits() % 390);
      tight.scene().means[3 * static_cast<std::size_t>(i)] += 0.001f;
      tight.touch(i);
    }
    tight.draw();
  }
}

TEST_F(Changes, need_no_more_than_a_fresh_history_after_the_scratch_was_lost) {
  Stage stage(random_scene(600, 90, 90, 5), 3, 100000);
  stage.draw();
  stage.draw();
  stage.history() = {};
  stage.scene().means[5] += 0.2f;
  stage.touch(1);
  for (int frame = 0; frame < 3; ++frame) stage.draw();
}

TEST_F(Changes, follow_an_image_behind_the_splats_and_a_transparent_one) {
  Scene scene = random_scene(700, 83, 61, 6);
  scene.backdrop = gaussian::Backdrop::image;
  scene.image.resize(83 * 61 * 3);
  for (std::size_t i = 0; i < scene.image.size(); ++i) scene.image[i] = static_cast<std::uint8_t>(i * 37);
  std::mt19937 bits(2);
  for (const auto kind : {gaussian::Backdrop::image, gaussian::Backdrop::transparent}) {
    scene.backdrop = kind;
    Stage stage(scene, 2, 100000);
    for (int frame = 0; frame < 10; ++frame) {
      for (int m = 0; m < 30; ++m) disturb(stage, static_cast<int>(bits() % 300), bits);
      stage.draw();
    }
  }
}

}  // namespace
}  // namespace talkrt::testing
