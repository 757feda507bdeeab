// SPDX-License-Identifier: Apache-2.0
//
// The CUDA rasterizer against the float64 scalar renderer, in emulation: the same sources that nvcc compiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <ostream>
#include <random>
#include <stdexcept>

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/sort_cuda.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/cuda_picture.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

void expect_matches(const CudaPicture& picture, const Scene& scene) {
  const ReferencePicture reference = render_reference(scene);
  expect_close(as_picture(picture), reference);
  EXPECT_GE(psnr(picture, reference), 60);
}

struct Case {
  const char* name;
  int count, width, height;
  int sh_degree = 0;
  bool antialias = false, layers = false, inria = false;
  gaussian::Backdrop backdrop = gaussian::Backdrop::color;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
};

Scene scene_of(const Case& c) {
  Scene scene = random_scene(c.count, c.width, c.height, 1, c.sh_degree, c.layers);
  scene.options.antialias = c.antialias;
  if (c.inria) {
    scene.options.convention = gaussian::Convention::inria;
    scene.options.near_plane = gaussian::default_near_plane(gaussian::Convention::inria);
  }
  scene.backdrop = c.backdrop;
  scene.color[0] = 0.9f;
  scene.color[2] = 0.3f;
  if (c.backdrop == gaussian::Backdrop::image) {
    scene.image.resize(static_cast<std::size_t>(c.width) * c.height * 3);
    for (std::size_t i = 0; i < scene.image.size(); ++i) scene.image[i] = static_cast<std::uint8_t>(i * 37);
  }
  return scene;
}

class CudaScene : public ::testing::TestWithParam<Case> {};

TEST_P(CudaScene, matches_the_scalar_reference_whether_or_not_bins_overflow) {
  const Scene scene = scene_of(GetParam());
  const CudaPicture picture = cuda_render(scene);
  expect_matches(picture, scene);
  EXPECT_EQ(picture.stats.beyond_bins, 0u);
  const CudaPicture crowded = cuda_render(scene, 5);
  EXPECT_TRUE(same(picture, crowded));
  EXPECT_EQ(crowded.stats.visible, picture.stats.visible);
}

INSTANTIATE_TEST_SUITE_P(
    , CudaScene,
    ::testing::Values(Case{"plain", 400, 64, 48}, Case{"dense", 3000, 48, 32}, Case{"one_pixel", 200, 1, 1},
                      Case{"thin_image", 300, 100, 3}, Case{"tall_image", 300, 5, 71},
                      Case{"odd_sides", 500, 61, 47}, Case{"sh_degree_1", 300, 33, 33, 1},
                      Case{"sh_degree_2", 300, 33, 33, 2}, Case{"sh_degree_3", 300, 33, 33, 3},
                      Case{"antialias", 600, 48, 48, 0, true}, Case{"layers", 600, 48, 48, 0, false, true},
                      Case{"inria", 600, 75, 50, 0, false, true, true},
                      Case{"over_an_image", 200, 75, 50, 0, false, false, false, gaussian::Backdrop::image},
                      Case{"transparent", 200, 75, 50, 0, false, false, false,
                           gaussian::Backdrop::transparent},
                      Case{"everything", 1500, 83, 37, 3, true, true, false, gaussian::Backdrop::image}),
    [](const auto& instance) { return instance.param.name; });

TEST(Cuda, picture_is_bit_identical_for_any_order_of_blocks_and_threads) {
  const Scene scene = scene_of({"", 900, 50, 40, 1, true, true});
  for (const int capacity : {1024, 20}) {
    const CudaPicture expected = cuda_render(scene, capacity);
    for (const unsigned seed : {1u, 2u, 3u}) {
      emulation::set_order(seed);
      EXPECT_TRUE(same(cuda_render(scene, capacity), expected)) << seed;
    }
    emulation::set_order(0);
  }
}

TEST(Cuda, several_views_in_two_launches_are_their_single_frames) {
  const std::vector<Scene> scenes = {scene_of({"", 300, 40, 40}), scene_of({"", 900, 61, 20, 2, false, true}),
                                     scene_of({"", 1, 16, 16}), scene_of({"", 0, 30, 50})};
  const unsigned long before = emulation::launches();
  const std::vector<CudaPicture> together = cuda_render_batch(scenes);
  EXPECT_EQ(emulation::launches() - before, 2u);
  for (std::size_t i = 0; i < scenes.size(); ++i) EXPECT_TRUE(same(together[i], cuda_render(scenes[i]))) << i;
}

TEST(Cuda, scratch_is_ready_for_the_next_frame) {
  const Scene scene = scene_of({"", 700, 50, 34, 0, false, true});
  const PackedScene packed(scene);
  for (const int capacity : {1024, 6}) {
    const gaussian::CudaLimits limits{scene.count, 50, 34, capacity};
    Aligned<std::byte> memory(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
    std::vector<float> rgba(std::size_t{50} * 34 * 4);
    gaussian::CudaView view;
    view.rig.rest = packed.splats();
    view.camera = gaussian::prepare_cuda_camera(scene.camera, scene.options);
    view.background = scene.background();
    view.target.rgba_float = rgba.data();
    view.scratch = gaussian::lay_out_cuda_scratch(limits, memory.data());
    view.bin_capacity = capacity;
    const CudaPicture expected = cuda_render(scene, capacity);
    for (int frame = 0; frame < 3; ++frame) {
      std::fill(rgba.begin(), rgba.end(), -1.0f);
      ASSERT_EQ(gaussian::rasterize_cuda(&view, 1, gaussian::grid_of(limits), false, nullptr), 0);
      EXPECT_EQ(rgba, expected.rgba);
      EXPECT_EQ(view.scratch.stats->visible, expected.stats.visible);
      EXPECT_EQ(view.scratch.stats->beyond_bins, expected.stats.beyond_bins);
    }
  }
}

TEST(Cuda, counts_are_those_of_the_cpu) {
  Scene scene = scene_of({"", 800, 64, 64});
  scene.opacities[3] = std::numeric_limits<float>::quiet_NaN();
  scene.means[3 * 10] = std::numeric_limits<float>::infinity();
  scene.frames[9 * 20] = 1e30f;
  scene.sh[3 * 30 + 1] = std::numeric_limits<float>::quiet_NaN();
  const CudaPicture picture = cuda_render(scene);
  const Picture cpu = render(scene);
  EXPECT_GE(cpu.stats.invalid, 3u);
  EXPECT_EQ(picture.stats.invalid, cpu.stats.invalid);
  EXPECT_EQ(picture.stats.visible, cpu.stats.visible);
  EXPECT_LE(picture.stats.intersections, cpu.stats.intersections);  // tiles of the ellipse, not of its box
  EXPECT_GT(picture.stats.intersections, cpu.stats.intersections / 3);
  EXPECT_TRUE(
      std::all_of(picture.rgba.begin(), picture.rgba.end(), [](float v) { return std::isfinite(v); }));
}

TEST(Cuda, longer_list_than_can_be_sorted_at_once_is_drawn_whole) {
  Scene scene;
  scene.camera = plain_camera(20, 16);
  // Small and spread, so that every pixel sees a part of the list and one splat too many or too few shows.
  for (int i = 0; i < 5000; ++i) {
    const int rank = static_cast<int>(i * 2749LL % 5000), place = i % 16;
    const float across = static_cast<float>(place % 4) - 1.5f, down = static_cast<float>(place / 4) - 1.5f;
    add_splat(scene, {across * 0.2f - 0.1f, down * 0.2f, 2 + static_cast<float>(rank / 3) * 0.001f},
              {0.06f, 0.06f, 0.06f}, 0.02f, {static_cast<float>(i % 7) / 7, 0.5f, 0.2f}, rotation(0, 0, 0),
              place % 2);
  }
  const CudaPicture picture = cuda_render(scene, gaussian::kMaxBinCapacity);
  EXPECT_GT(picture.stats.longest_list, 3000u);
  EXPECT_GT(picture.stats.beyond_bins, 0u);
  EXPECT_GE(psnr(picture, render_reference(scene)), 80);  // one splat drawn twice a round gives 78
}

void sort_shared(std::uint64_t* keys, int count) {
  __shared__ std::uint64_t held[gaussian::kMaxBinCapacity];
  for (int i = static_cast<int>(threadIdx.x); i < count; i += 256) held[i] = keys[i];
  gaussian::cuda::sort_keys<256>(held, count);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += 256) keys[i] = held[i];
}

TEST(Cuda, any_number_of_keys_is_sorted_in_any_order_of_threads) {
  std::mt19937_64 bits(5);
  for (const int count :
       {0, 1, 2, 3, 5, 63, 64, 65, 100, 127, 200, 256, 257, 300, 511, 1000, 1025, 2047, 2048}) {
    std::vector<std::uint64_t> keys(static_cast<std::size_t>(count) + 1);
    for (std::uint64_t& key : keys) key = bits() % 3 == 0 ? bits() % 7 : bits();
    std::vector<std::uint64_t> expected(keys);
    std::sort(expected.begin(), expected.end() - 1);
    emulation::set_order(static_cast<unsigned>(count));
    cuda::launch({{1, 1, 1}, {256, 1, 1}}, sort_shared, keys.data(), count);
    emulation::set_order(0);
    EXPECT_EQ(keys, expected) << count;
  }
}

TEST(Cuda, rig_is_posed_on_the_way) {
  const Rig rig = random_rig(400, 5, 12, 2, 7);
  gaussian::PosedSplats out;
  Aligned<float> means(rig.means), frames(rig.frames), opacities(rig.opacities), sh(rig.sh);
  out = {means.data(), frames.data(), opacities.data(), sh.data()};
  Workers pool(1);
  gaussian::deform_cpu(rig.view(), {rig.weights.data(), rig.matrices.data()}, out, pool);
  Scene scene;
  scene.camera = plain_camera(48, 40);
  scene.camera.viewmat[11] = 4;
  const CudaPicture picture = cuda_render_rig(rig, scene);
  scene.count = rig.count;
  scene.sh_degree = rig.sh_degree;
  const auto unpack = [&](const Aligned<float>& from, int channels) {
    std::vector<float> to;
    for (int i = 0; i < rig.count; ++i) {
      for (int c = 0; c < channels; ++c) {
        to.push_back(from[(static_cast<std::size_t>(i / kBlock) * channels + c) * kBlock + i % kBlock]);
      }
    }
    return to;
  };
  scene.means = unpack(means, 3);
  scene.frames = unpack(frames, 9);
  scene.opacities = unpack(opacities, 1);
  scene.sh = unpack(sh, 3 * gaussian::sh_bases(rig.sh_degree));
  EXPECT_GT(picture.stats.visible, 100u);
  expect_matches(picture, scene);
}

TEST(Cuda, nv12_is_the_same_picture) {
  const Scene scene = scene_of({"", 400, 37, 21});
  const CudaPicture picture = cuda_render(scene);
  const auto rgb = [&](int x, int y, int c) {
    return std::clamp(static_cast<double>(picture.rgba[(static_cast<std::size_t>(y) * 37 + x) * 4 + c]), 0.0,
                      1.0);
  };
  const auto luma = [&](int x, int y) {
    return 0.2126 * rgb(x, y, 0) + 0.7152 * rgb(x, y, 1) + 0.0722 * rgb(x, y, 2);
  };
  for (int y = 0; y < 21; ++y) {
    for (int x = 0; x < 37; ++x) EXPECT_NEAR(picture.luma[y * 37 + x], 16 + 219 * luma(x, y), 0.501);
  }
  for (int y = 0; y < 11; ++y) {
    for (int x = 0; x < 19; ++x) {
      double u = 0, v = 0;
      int pixels = 0;
      for (int py = 2 * y; py < std::min(21, 2 * y + 2); ++py) {
        for (int px = 2 * x; px < std::min(37, 2 * x + 2); ++px, ++pixels) {
          u += (rgb(px, py, 2) - luma(px, py)) / 1.8556;
          v += (rgb(px, py, 0) - luma(px, py)) / 1.5748;
        }
      }
      EXPECT_NEAR(picture.chroma[(y * 19 + x) * 2], 128 + 224 * u / pixels, 0.501);
      EXPECT_NEAR(picture.chroma[(y * 19 + x) * 2 + 1], 128 + 224 * v / pixels, 0.501);
    }
  }
}

TEST(Cuda, arguments_beyond_what_can_be_drawn_are_refused) {
  gaussian::Camera camera = plain_camera(16, 16);
  EXPECT_THROW(gaussian::lay_out_cuda_scratch({-1, 16, 16, 8}, nullptr), std::invalid_argument);
  EXPECT_THROW(gaussian::lay_out_cuda_scratch({1, 16, 16, 4096}, nullptr), std::invalid_argument);
  EXPECT_THROW(gaussian::rasterize_cuda(nullptr, 0, {1, 1}, false, nullptr), std::invalid_argument);
  camera.width = 40000;
  EXPECT_THROW(gaussian::prepare_cuda_camera(camera, {}), std::invalid_argument);
}

}  // namespace
}  // namespace talkrt::testing
