// SPDX-License-Identifier: Apache-2.0
//
// Layers apart, one layer alone, what hides the background and bytes cut off: the CUDA kernels in emulation
// against the CPU, which layers_test.cpp holds against double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/gaussian/avatar_cuda.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Aligned;

/// A scene, what is behind it, and where bytes go.
struct Layered {
  Scene scene;
  gaussian::RasterOptions options;
  gaussian::Background background;
  std::vector<std::uint8_t> image;
  std::vector<float> hidden;

  Layered(int count, int width, int height, unsigned seed)
      : scene(random_scene(count, width, height, seed, 1, true)) {
    options.layers_apart = true;
    for (int i = 0; i < width * height * 3; ++i) image.push_back(static_cast<std::uint8_t>(i * 37 % 251));
    background.kind = gaussian::Backdrop::image;
    background.image = image.data();
  }
  [[nodiscard]] std::size_t pixels() const {
    return static_cast<std::size_t>(scene.camera.width) * static_cast<std::size_t>(scene.camera.height);
  }
  void hide() {
    for (std::size_t i = 0; i < pixels(); ++i) hidden.push_back(static_cast<float>(i % 11) / 10);
    background.hidden = hidden.data();
  }
};

struct Drawn {
  std::vector<float> rgba;
  std::vector<std::uint8_t> rgba8;
  bool operator==(const Drawn&) const = default;
};

Drawn on_cpu(const Layered& from) {
  const gaussian::PackedScene packed(from.scene);
  const gaussian::Camera& camera = from.scene.camera;
  Drawn out{std::vector<float>(from.pixels() * 4), std::vector<std::uint8_t>(from.pixels() * 4)};
  const gaussian::RasterLimits limits{from.scene.count, camera.width, camera.height, 1, 400'000};
  Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  Workers pool(1);
  gaussian::Target target;
  target.rgba8 = out.rgba8.data();
  target.rgba8_stride = camera.width * 4;
  target.rgba_float = out.rgba.data();
  target.cut_off = true;
  EXPECT_TRUE(rasterize_cpu(packed.splats(), camera, from.options, from.background, target, limits,
                            scratch.data(), pool)
                  .complete);
  return out;
}

Drawn on_gpu(const Layered& from, int bin_capacity, bool grow = false) {
  const gaussian::PackedScene packed(from.scene);
  const gaussian::Camera& camera = from.scene.camera;
  Drawn out{std::vector<float>(from.pixels() * 4), std::vector<std::uint8_t>(from.pixels() * 4)};
  const gaussian::CudaLimits limits{from.scene.count, camera.width, camera.height, bin_capacity};
  Aligned<std::byte> scratch(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
  Aligned<float> light(from.pixels() * 4), behind(from.pixels());
  gaussian::CudaView view;
  view.rig.rest = packed.splats();
  view.camera = gaussian::prepare_cuda_camera(camera, from.options);
  view.background = from.background;
  view.target.rgba8 = out.rgba8.data();
  view.target.rgba8_stride = camera.width * 4;
  view.target.rgba_float = out.rgba.data();
  view.target.cut_off = true;
  if (grow) {
    view.target.light = light.data();
    view.target.behind = behind.data();
  }
  view.scratch = gaussian::lay_out_cuda_scratch(limits, scratch.data());
  view.bin_capacity = bin_capacity;
  EXPECT_EQ(rasterize_cuda(&view, 1, gaussian::grid_of(limits), false, nullptr), 0);
  const gaussian::CudaAvatar avatar;
  const gaussian::CudaAvatars all{&avatar, 1};
  EXPECT_EQ(grow_behind_cuda(&view, &all, {}, nullptr), 0);
  return out;
}

void expect_same_picture(const Drawn& found, const Drawn& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < expected.rgba.size(); ++i) {
    const double error = found.rgba[i] - expected.rgba[i];
    sum += error * error;
    ASSERT_LE(std::abs(found.rgba8[i] - expected.rgba8[i]), 1) << i;
  }
  EXPECT_LE(sum / static_cast<double>(expected.rgba.size()), 1e-8);  // 80 dB
}

TEST(CudaLayers, apart_are_the_cpus_whether_or_not_bins_overflow) {
  Layered from(2500, 75, 50, 3);
  const Drawn expected = on_cpu(from);
  const Drawn found = on_gpu(from, 1024);
  expect_same_picture(found, expected);
  EXPECT_TRUE(on_gpu(from, 7) == found);
}

TEST(CudaLayers, dense_layers_that_stop_pixels_are_the_cpus) {
  Layered from(6000, 40, 33, 5);
  for (float& opacity : from.scene.opacities) opacity = std::sqrt(opacity);
  from.options.convention = gaussian::Convention::inria;
  from.options.near_plane = gaussian::default_near_plane(gaussian::Convention::inria);
  const Drawn expected = on_cpu(from), found = on_gpu(from, 2048);
  expect_same_picture(found, expected);
  EXPECT_TRUE(on_gpu(from, 3) == found);
  from.options.layers_apart = false;
  EXPECT_FALSE(on_gpu(from, 2048) == found);
}

TEST(CudaLayers, one_alone_is_the_cpus) {
  Layered from(1500, 60, 41, 4);
  from.options.layers_apart = false;
  std::vector<Drawn> each;
  for (int layer : {0, 1}) {
    from.options.layer = layer;
    each.push_back(on_gpu(from, 1024));
    expect_same_picture(each.back(), on_cpu(from));
  }
  EXPECT_FALSE(each[0] == each[1]);
}

TEST(CudaLayers, what_hides_the_background_replaces_the_alpha_behind) {
  Layered from(900, 61, 47, 6);
  const Drawn without = on_gpu(from, 1024);
  from.hide();
  const Drawn found = on_gpu(from, 1024);
  expect_same_picture(found, on_cpu(from));
  EXPECT_FALSE(found == without);
}

TEST(CudaLayers, grown_alpha_is_that_of_the_layer_alone) {
  Layered from(500, 61, 47, 8);
  const int width = from.scene.camera.width, height = from.scene.camera.height;
  Layered alone = from;
  alone.options.layers_apart = false;
  alone.options.layer = 1;
  alone.background = {};
  const Drawn behind = on_cpu(alone);
  from.hidden.resize(from.pixels());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float most = 0;
      for (int v = std::max(0, y - 6); v <= std::min(height - 1, y + 6); ++v) {
        for (int u = std::max(0, x - 6); u <= std::min(width - 1, x + 6); ++u) {
          most = std::max(most, behind.rgba[(static_cast<std::size_t>(v) * width + u) * 4 + 3]);
        }
      }
      from.hidden[static_cast<std::size_t>(y) * width + x] = most;
    }
  }
  from.background.hidden = from.hidden.data();
  const Drawn expected = on_cpu(from);
  from.background.hidden = nullptr;
  const Drawn found = on_gpu(from, 1024, true);
  expect_same_picture(found, expected);
  EXPECT_TRUE(on_gpu(from, 5, true) == found);
  for (const unsigned seed : {1U, 2U}) {
    const unsigned before = emulation::set_order(seed);
    EXPECT_TRUE(on_gpu(from, 1024, true) == found);
    emulation::set_order(before);
  }
}

TEST(CudaLayers, a_picture_behind_nothing_is_the_same_byte_by_byte_when_cut_off) {
  Layered from(0, 256, 5, 1);
  for (std::size_t i = 0; i < from.image.size(); ++i) from.image[i] = static_cast<std::uint8_t>(i / 3);
  const Drawn found = on_gpu(from, 16);
  for (std::size_t i = 0; i < from.image.size(); ++i)
    ASSERT_EQ(found.rgba8[i / 3 * 4 + i % 3], from.image[i]);
}

}  // namespace
}  // namespace talkrt::testing
