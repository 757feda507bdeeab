// SPDX-License-Identifier: Apache-2.0
//
// Small scenes through every part of the CUDA kernels. Under the thread sanitizer each thread of a block is
// one of the system's, and a barrier that is missing is a report.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/gaussian/track_cuda.hpp"
#include "tests/kernels/gaussian/cuda_movement.hpp"
#include "tests/kernels/gaussian/cuda_picture.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"

namespace talkrt::testing {
namespace {

TEST(CudaRaces, every_output_of_a_small_scene) {
  const Scene scene = random_scene(700, 33, 18, 3, 3, true);
  EXPECT_GE(psnr(cuda_render(scene), render_reference(scene)), 60);
}

TEST(CudaRaces, tile_that_overflows_its_bin_and_the_sort) {
  Scene scene;
  scene.camera = plain_camera(16, 16);
  for (int i = 0; i < 2100; ++i) {
    add_splat(scene, {0, 0, 2 + static_cast<float>(i * 769 % 2100) * 0.001f}, {0.3f, 0.3f, 0.3f}, 0.005f,
              {static_cast<float>(i % 7) / 7, 0.5f, 0.2f});
  }
  const CudaPicture picture = cuda_render(scene, 64);
  EXPECT_EQ(picture.stats.longest_list, 2100u);
  EXPECT_GE(psnr(picture, render_reference(scene)), 60);
}

TEST(CudaRaces, rig_posed_on_the_way) {
  const Rig rig = random_rig(150, 16, 5, 1, 2);
  Scene scene;
  scene.camera = plain_camera(16, 16);
  scene.camera.viewmat[11] = 3;
  EXPECT_GT(cuda_render_rig(rig, scene).stats.visible, 20u);
}

TEST(CudaRaces, networks_move_gaussians) {
  const layered::Head layers(2, 1, 64);
  const gaussian::PackedScene of_layers(layers.scene);
  EXPECT_TRUE(moved_by_cuda(layers, of_layers).means == layered::moved(layers, of_layers, 1).means);
  const attending::Head attention({1, 3, 2, 16, 48, 2, 3, 128, 1});
  const gaussian::PackedScene of_attention(attention.scene);
  const attending::Arrays rest = attending::at_rest(of_attention.splats());
  EXPECT_FALSE(moved_by_cuda(attention, of_attention, 0).sh == rest.sh);
}

TEST(CudaRaces, layers_apart_and_what_grows_around_the_one_behind) {
  const Scene scene = random_scene(300, 20, 17, 3, 0, true);
  const PackedScene packed(scene);
  const gaussian::CudaLimits limits{scene.count, 20, 17, 12};  // some bins overflow
  Aligned<std::byte> scratch(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
  Aligned<float> light(20 * 17 * 4), behind(20 * 17);
  std::vector<float> found(20 * 17 * 4, -1);
  gaussian::RasterOptions options;
  options.layers_apart = true;
  gaussian::CudaView view;
  view.rig.rest = packed.splats();
  view.camera = gaussian::prepare_cuda_camera(scene.camera, options);
  view.target.rgba_float = found.data();
  view.target.light = light.data();
  view.target.behind = behind.data();
  view.scratch = gaussian::lay_out_cuda_scratch(limits, scratch.data());
  view.bin_capacity = limits.bin_capacity;
  ASSERT_EQ(rasterize_cuda(&view, 1, gaussian::grid_of(limits), false, nullptr), 0);
  ASSERT_EQ(grow_behind_cuda(&view, 1, view.camera.tiles_x * view.camera.tiles_y, nullptr), 0);
  EXPECT_GE(*std::min_element(found.begin(), found.end()), 0);
  EXPECT_GT(*std::max_element(behind.begin(), behind.end()), 0);
}

}  // namespace
}  // namespace talkrt::testing
