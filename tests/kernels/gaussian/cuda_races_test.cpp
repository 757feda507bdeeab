// SPDX-License-Identifier: Apache-2.0
//
// Small scenes through every part of the CUDA kernels. Under the thread sanitizer each thread of a block is
// one of the system's, and a barrier that is missing is a report.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace talkrt::testing
