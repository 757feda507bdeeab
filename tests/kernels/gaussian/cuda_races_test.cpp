// SPDX-License-Identifier: Apache-2.0
//
// Small scenes through every part of the CUDA kernels. Under the thread sanitizer each thread of a block is
// one of the system's, and a barrier that is missing is a report.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/gaussian/avatar_cuda.hpp"
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

TEST(CudaRaces, avatars_share_their_launches) {
  const layered::Head head(2, 1, 16);
  const gaussian::PackedScene packed(head.scene);
  const gaussian::Splats& rest = packed.splats();
  constexpr int kAvatars = 3;
  std::vector<attending::Arrays> moved(kAvatars, attending::at_rest(rest));
  std::vector<gaussian::CudaLayers> jobs;
  std::vector<gaussian::CudaAvatar> avatars(kAvatars);
  const Aligned<unsigned char> from(5003, 7), background(30 * 20 * 3, 100);
  std::vector<Aligned<unsigned char>> to(kAvatars, Aligned<unsigned char>(from.size()));
  std::vector<Aligned<float>> pictures(kAvatars, Aligned<float>(background.size()));
  std::vector<gaussian::CudaTrack> tracks(kAvatars);
  jobs.reserve(2 * kAvatars);
  for (std::size_t i = 0; i < kAvatars; ++i) {
    const gaussian::PosedSplats out{moved[i].means.data(), moved[i].frames.data(), nullptr, nullptr};
    avatars[i].from = from.data();
    avatars[i].to = to[i].data();
    avatars[i].bytes = from.size();
    avatars[i].layers = jobs.data() + jobs.size();
    avatars[i].layers_count = 2;
    for (int n = 0; n < 2; ++n) jobs.push_back({rest, head.networks[n], head.inputs[n], out});
    tracks[i].background = background.data();
    tracks[i].width = tracks[i].frame_width = 30;
    tracks[i].height = tracks[i].frame_height = 20;
    tracks[i].picture = pictures[i].data();
    avatars[i].track = &tracks[i];
    avatars[i].composes = true;
  }
  const gaussian::CudaAvatars all{avatars.data(), kAvatars};
  gaussian::CudaAvatarLimits limits;
  limits.layers_rows = std::max(move_rows_of(head.networks[0]), move_rows_of(head.networks[1]));
  limits.takes_in = limits.composes = true;
  ASSERT_EQ(before_views_cuda(&all, limits, {1, 0}, nullptr), 0);
  const layered::Arrays expected = moved_by_cuda(head, packed, 0);
  for (std::size_t i = 0; i < kAvatars; ++i) {
    EXPECT_TRUE(moved[i].means == expected.means && moved[i].frames == expected.frames) << i;
    EXPECT_TRUE(to[i] == from) << i;
    EXPECT_EQ(std::count(pictures[i].begin(), pictures[i].end(), 100 / 255.0f), 30 * 20 * 3) << i;
  }
}

TEST(CudaRaces, layers_apart_and_what_grows_around_the_one_behind) {
  const Scene scene = random_scene(300, 34, 33, 3, 0, true);  // a block of grow_behind has two tiles
  const PackedScene packed(scene);
  const gaussian::CudaLimits limits{scene.count, 34, 33, 12};  // some bins overflow
  Aligned<std::byte> scratch(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
  Aligned<float> light(34 * 33 * 4), behind(34 * 33);
  std::vector<float> found(34 * 33 * 4, -1);
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
  const gaussian::CudaAvatar avatar;
  const gaussian::CudaAvatars all{&avatar, 1};
  ASSERT_EQ(grow_behind_cuda(&view, &all, {}, nullptr), 0);
  EXPECT_GE(*std::min_element(found.begin(), found.end()), 0);
  EXPECT_GT(*std::max_element(behind.begin(), behind.end()), 0);
}

}  // namespace
}  // namespace talkrt::testing
