// SPDX-License-Identifier: Apache-2.0
//
// The CUDA module's table over the emulated runtime: device copies, the captured graph, what happens when
// memory ends.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/cuda/module.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/kernels/gaussian/cuda_picture.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"

extern "C" const talkrt::cuda::Module* talkrt_cuda_module(std::uint32_t abi);

namespace talkrt::testing {
namespace {

const cuda::Module& module() { return *talkrt_cuda_module(cuda::kModuleAbi); }

/// A rig, and pictures of it by the module's rasterizer.
struct Drawing {
  Rig rig = random_rig(300, 4, 6, 1, 3);
  Scene scene;
  cuda::RasterizerSpec spec;
  cuda::Why why{};

  Drawing() {
    scene.camera = plain_camera(40, 24);
    scene.camera.viewmat[11] = 4;
    spec.rig = rig.view();
    spec.views = 3;
    spec.width = 40;
    spec.height = 24;
  }

  /// `rgba` [40 * 24 * 4] by the current pose.
  [[nodiscard]] cuda::RasterizerView view(std::vector<float>& rgba) const {
    rgba.assign(std::size_t{40} * 24 * 4, -1.0f);
    cuda::RasterizerView out;
    out.pose = {rig.weights.data(), rig.matrices.data()};
    out.camera = scene.camera;
    out.background = scene.background();
    out.target.rgba_float = rgba.data();
    return out;
  }
};

TEST(CudaModule, other_version_of_the_table_is_refused) {
  EXPECT_EQ(talkrt_cuda_module(cuda::kModuleAbi + 1), nullptr);
  EXPECT_EQ(module().bytes, sizeof(cuda::Module));
}

TEST(CudaModule, captured_graph_draws_every_new_pose) {
  Drawing here;
  cuda::Rasterizer* rasterizer = nullptr;
  ASSERT_EQ(module().create(0, &here.spec, &rasterizer, &here.why), 0) << here.why.text;
  for (int frame = 0; frame < 3; ++frame) {
    for (float& weight : here.rig.weights) weight += 0.3f;
    std::vector<float> first, second;
    cuda::RasterizerView views[2] = {here.view(first), here.view(second)};
    views[1].camera.K[2] += 3;
    const unsigned long before = emulation::launches();
    ASSERT_EQ(module().draw(rasterizer, views, 2, &here.why), 0) << here.why.text;
    gaussian::CudaStats stats[3];
    ASSERT_EQ(module().wait(rasterizer, stats, &here.why), 0) << here.why.text;
    EXPECT_EQ(emulation::launches() - before, 2u);
    const CudaPicture expected = cuda_render_rig(here.rig, here.scene);
    EXPECT_EQ(first, expected.rgba);
    EXPECT_NE(second, expected.rgba);
    EXPECT_EQ(stats[0].visible, expected.stats.visible);
  }
  module().destroy(rasterizer);
}

TEST(CudaModule, what_is_taken_is_what_was_measured_and_all_of_it_comes_back) {
  Drawing here;
  std::uint64_t device = 0, pinned = 0;
  ASSERT_EQ(module().measure(&here.spec, &device, &pinned, &here.why), 0);
  EXPECT_EQ(emulation::bytes_taken(), 0u);
  cuda::Rasterizer* rasterizer = nullptr;
  ASSERT_EQ(module().create(0, &here.spec, &rasterizer, &here.why), 0);
  EXPECT_EQ(emulation::bytes_taken(), device + pinned);
  module().destroy(rasterizer);
  EXPECT_EQ(emulation::bytes_taken(), 0u);
}

TEST(CudaModule, end_of_memory_at_any_point_is_a_message_and_no_leak) {
  Drawing here;
  std::uint64_t device = 0, pinned = 0;
  module().measure(&here.spec, &device, &pinned, &here.why);
  for (int part = 0; part < 8; ++part) {
    emulation::memory_limit() = (device + pinned) * static_cast<std::uint64_t>(part) / 8;
    cuda::Rasterizer* rasterizer = nullptr;
    EXPECT_EQ(module().create(0, &here.spec, &rasterizer, &here.why), cudaErrorMemoryAllocation);
    EXPECT_EQ(rasterizer, nullptr);
    EXPECT_NE(std::string(here.why.text).find("out of memory"), std::string::npos) << here.why.text;
    EXPECT_EQ(emulation::bytes_taken(), 0u);
  }
  emulation::memory_limit() = SIZE_MAX;
}

TEST(CudaModule, calls_out_of_turn_and_wrong_arguments_are_messages) {
  Drawing here;
  cuda::Rasterizer* rasterizer = nullptr;
  EXPECT_EQ(module().create(1, &here.spec, &rasterizer, &here.why), cudaErrorInvalidDevice);
  cuda::RasterizerSpec wrong = here.spec;
  wrong.bin_capacity = 5000;
  EXPECT_EQ(module().create(0, &wrong, &rasterizer, &here.why), cudaErrorInvalidValue);
  EXPECT_NE(std::string(here.why.text).find("bin_capacity is 5000, expected 1 to 2048"), std::string::npos);
  ASSERT_EQ(module().create(0, &here.spec, &rasterizer, &here.why), 0);
  std::vector<float> rgba;
  cuda::RasterizerView view = here.view(rgba);
  EXPECT_EQ(module().draw(rasterizer, &view, 4, &here.why), cudaErrorInvalidValue);
  view.camera.width = 41;
  EXPECT_EQ(module().draw(rasterizer, &view, 1, &here.why), cudaErrorInvalidValue);
  view.camera.width = 40;
  ASSERT_EQ(module().draw(rasterizer, &view, 1, &here.why), 0);
  EXPECT_EQ(module().draw(rasterizer, &view, 1, &here.why), cudaErrorInvalidValue);
  EXPECT_NE(std::string(here.why.text).find("draw() before wait()"), std::string::npos);
  EXPECT_EQ(module().wait(rasterizer, nullptr, &here.why), 0);
  module().destroy(rasterizer);
}

}  // namespace
}  // namespace talkrt::testing
