// SPDX-License-Identifier: Apache-2.0
//
// The CUDA module's table over the emulated runtime. `late` streams do nothing before somebody waits, so a
// wait that is missing is a wrong picture.
#include <cuda_runtime_api.h>

#include <map>
#include <optional>

#include "tests/engine/cuda/allocations.hpp"
#include "tests/engine/cuda/session.hpp"

namespace talkrt::testing {
namespace {

class Painting : public ::testing::TestWithParam<bool> {
 protected:
  Painting() { talkrt_emulation_set_late(GetParam() ? 1 : 0); }
  ~Painting() override { talkrt_emulation_set_late(0); }
};

INSTANTIATE_TEST_SUITE_P(, Painting, ::testing::Bool(),
                         [](const auto& instance) { return instance.param ? "late" : "at_once"; });

TEST(CudaModule, other_version_of_the_table_is_refused) {
  EXPECT_EQ(talkrt_cuda_module(cuda::kModuleAbi + 1), nullptr);
  EXPECT_EQ(module().bytes, sizeof(cuda::Module));
}

TEST_P(Painting, every_new_pose_is_drawn_and_copied_out) {
  GpuPainter painter({4, 6, 4});
  GpuSession session(300, 40, 24);
  painter.prepare(session.limits);
  for (int frame = 0; frame < 5; ++frame) {
    session.turn(0.3f);
    painter.draw({session.job});
    session.wait();
    const CudaPicture expected = cuda_render_rig(session.rig, session.scene);
    EXPECT_EQ(session.picture(), expected.rgba) << frame;
    EXPECT_EQ(session.stats->visible, expected.stats.visible);
  }
}

TEST_P(Painting, three_draws_under_way_keep_their_own_poses) {
  GpuPainter painter({1, 6, 4});
  GpuSession session(120, 24, 24);
  painter.prepare(session.limits);
  // Frames of their own, as the core's ring has them.
  constexpr int kFrames = 7;
  std::deque<Taken> out;
  std::vector<std::vector<float>> expected;
  std::vector<cuda::Ticket*> tickets(kFrames);
  for (int frame = 0; frame < kFrames; ++frame) {
    session.turn(0.4f);
    expected.push_back(session.expected());
    cuda::Job job = session.job;
    job.copies[0].to = out.emplace_back(cuda::Memory::pinned, session.frame_bytes()).as();
    must([&](auto* why) { return module().create_ticket(0, &tickets[frame], why); });
    job.done = tickets[frame];
    // The device's frame is one: a draw may begin before the copy of the last one has ended.
    job.view.target.rgba_float = out.emplace_back(cuda::Memory::device, session.frame_bytes()).as<float>();
    job.copies[0].from = job.view.target.rgba_float;
    painter.draw({job});
  }
  for (int frame = kFrames - 1; frame >= 0; --frame) {
    must([&](auto* why) { return module().wait(tickets[frame], why); });
    const auto* pixels = out[static_cast<std::size_t>(frame) * 2].as<float>();
    EXPECT_EQ(std::vector<float>(pixels, pixels + expected[frame].size()), expected[frame]) << frame;
    module().destroy_ticket(tickets[frame]);
  }
}

TEST_P(Painting, avatars_of_different_size_share_two_launches) {
  GpuPainter painter({6, 8, 5});
  std::deque<GpuSession> sessions;
  sessions.emplace_back(300, 40, 24);
  sessions.emplace_back(30, 70, 50, 5, 2, 0);
  sessions.emplace_back(700, 16, 8, 6, 5, 8);
  for (GpuSession& session : sessions) painter.prepare(session.limits);
  for (std::size_t count = 1; count <= sessions.size(); ++count) {
    std::vector<cuda::Job> jobs;
    for (std::size_t i = 0; i < count; ++i) jobs.push_back(sessions[sessions.size() - 1 - i].job);
    const std::uint64_t before = talkrt_emulation_launches();
    painter.draw(jobs);
    for (const cuda::Job& job : jobs) must([&](auto* why) { return module().wait(job.done, why); });
    EXPECT_EQ(talkrt_emulation_launches() - before, 2u);
    for (std::size_t i = 0; i < count; ++i) {
      const GpuSession& session = sessions[sessions.size() - 1 - i];
      EXPECT_EQ(session.picture(), session.expected()) << count << i;
    }
  }
}

TEST_P(Painting, picture_that_is_not_copied_is_ready_on_the_draw_stream) {
  GpuPainter painter({1, 6, 4});
  GpuSession session(200, 33, 20);
  painter.prepare(session.limits);
  session.job.copy_count = 0;
  painter.draw({session.job});
  EXPECT_NE(module().stream(painter.painter), nullptr);
  session.wait();
  std::vector<float> found(session.frame_bytes() / sizeof(float));
  must([&](auto* why) {
    return module().copy_out(0, found.data(), session.frame, session.frame_bytes(), why);
  });
  EXPECT_EQ(found, session.expected());
}

TEST_P(Painting, planes_of_nv12_and_rgba8_are_copied_out_side_by_side) {
  GpuPainter painter({1, 6, 4});
  GpuSession session(300, 37, 21);
  painter.prepare(session.limits);
  constexpr std::size_t kPixels = std::size_t{37} * 21,
                        kSizes[3] = {kPixels, std::size_t{19} * 11 * 2, kPixels * 4};
  std::uint8_t *device[3], *host[3];
  for (int plane = 0; plane < 3; ++plane) {
    device[plane] = session.arrays.emplace_back(cuda::Memory::device, kSizes[plane]).as<std::uint8_t>();
    host[plane] = session.arrays.emplace_back(cuda::Memory::pinned, kSizes[plane]).as<std::uint8_t>();
    session.job.copies[plane] = {device[plane], host[plane], kSizes[plane]};
  }
  session.job.copy_count = 3;
  session.job.view.target = {};
  session.job.view.target.luma = device[0];
  session.job.view.target.luma_stride = 37;
  session.job.view.target.chroma = device[1];
  session.job.view.target.chroma_stride = 38;
  session.job.view.target.rgba8 = device[2];
  session.job.view.target.rgba8_stride = std::int64_t{4} * 37;
  painter.draw({session.job});
  session.wait();
  const CudaPicture expected = cuda_render_rig(session.rig, session.scene);
  EXPECT_EQ(std::vector<std::uint8_t>(host[0], host[0] + kSizes[0]), expected.luma);
  EXPECT_EQ(std::vector<std::uint8_t>(host[1], host[1] + kSizes[1]), expected.chroma);
  EXPECT_EQ(std::vector<std::uint8_t>(host[2], host[2] + kSizes[2]), expected.rgba8);
}

TEST_P(Painting, rig_without_a_pose_is_drawn_at_rest) {
  GpuPainter painter({1, 0, 0});
  GpuSession session(200, 33, 20);
  session.limits.shapes = session.limits.joints = 0;
  painter.prepare(session.limits);
  session.job.joint_matrices = session.job.shape_weights = nullptr;
  painter.draw({session.job});
  session.wait();
  EXPECT_NE(session.picture(), session.expected());
  EXPECT_GT(session.stats->visible, 20u);
}

TEST(CudaPainter, frame_is_one_graph_and_takes_no_memory_and_no_wait_but_for_its_ticket) {
  GpuPainter painter({4, 6, 4});
  GpuSession session(100, 24, 24), other(80, 16, 32);
  painter.prepare(session.limits);
  painter.prepare(other.limits);
  const std::vector<cuda::Job> one = {session.job}, two = {session.job, other.job};
  const auto frames = [&](const std::vector<cuda::Job>& jobs) {
    cuda::Why why;
    for (int frame = 0; frame < 4; ++frame) {
      ASSERT_EQ(module().draw(painter.painter, jobs.data(), static_cast<int>(jobs.size()), &why), 0);
      for (const cuda::Job& job : jobs) ASSERT_EQ(module().wait(job.done, &why), 0);
    }
  };
  frames(two);
  for (const auto* jobs : {&one, &two}) {
    const auto number = jobs->size();
    std::map<std::string, std::uint64_t> before;
    const auto calls = [&](const char* name) { return talkrt_emulation_calls(name) - before[name]; };
    const char* names[] = {"cudaGraphLaunch",
                           "cudaLaunchKernelEx",
                           "cudaMalloc",
                           "cudaMallocHost",
                           "cudaFree",
                           "cudaGraphInstantiate",
                           "cudaStreamSynchronize",
                           "cudaEventSynchronize",
                           "cudaMemcpy",
                           "cudaMemcpyAsync",
                           "cudaEventQuery",
                           "cudaStreamWaitEvent",
                           "cudaEventRecord",
                           "cudaEventCreateWithFlags"};
    for (const char* name : names) before[name] = talkrt_emulation_calls(name);
    const std::uint64_t kernels = talkrt_emulation_launches();
    const unsigned long host = allocations();
    frames(*jobs);
    EXPECT_EQ(allocations() - host, 0u);
    EXPECT_EQ(talkrt_emulation_launches() - kernels, 8u);  // two a frame, in ...
    EXPECT_EQ(calls("cudaGraphLaunch"), 4u);               // ... one graph
    for (const char* none :
         {"cudaLaunchKernelEx", "cudaMalloc", "cudaMallocHost", "cudaFree", "cudaGraphInstantiate",
          "cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy", "cudaEventCreateWithFlags"}) {
      EXPECT_EQ(calls(none), 0u) << none;
    }
    EXPECT_EQ(calls("cudaMemcpyAsync"), 4 * number);
    EXPECT_EQ(calls("cudaStreamWaitEvent"), 4u);
    EXPECT_EQ(calls("cudaEventRecord"), 4 * (1 + number));
  }
}

TEST(CudaPainter, draw_waits_for_the_third_before_it_and_for_no_other) {
  talkrt_emulation_set_late(1);
  {
    GpuPainter painter({1, 6, 4});
    GpuSession session(50, 16, 16);
    painter.prepare(session.limits);
    const std::uint64_t before = talkrt_emulation_launches();
    for (int draw = 0; draw < 3; ++draw) painter.draw({session.job});
    EXPECT_EQ(talkrt_emulation_launches() - before, 0u);
    painter.draw({session.job});
    EXPECT_EQ(talkrt_emulation_launches() - before, 2u);
    session.wait();
    EXPECT_EQ(talkrt_emulation_launches() - before, 8u);
  }
  talkrt_emulation_set_late(0);
}

TEST(CudaPainter, graphs_are_made_once_for_sizes_that_are_nearly_the_same) {
  GpuPainter painter({8, 6, 4});
  const auto graphs = [start = talkrt_emulation_calls("cudaGraphInstantiate")] {
    return talkrt_emulation_calls("cudaGraphInstantiate") - start;
  };
  painter.prepare({50000, 512, 512});
  const std::uint64_t made = graphs();
  painter.prepare({49700, 512, 512});
  painter.prepare({50000, 512, 500});
  EXPECT_EQ(graphs(), made);
  painter.prepare({20000, 256, 256});  // within the largest, but many blocks fewer
  EXPECT_EQ(graphs(), 2 * made);
}

TEST(CudaPainter, context_of_the_calling_thread_stays_as_it_was) {
  const auto current = [] {
    void* get = nullptr;
    cudaDriverEntryPointQueryResult result{};
    cudaGetDriverEntryPointByVersion("cuCtxGetCurrent", &get, 4000, cudaEnableDefault, &result);
    void* out = nullptr;
    reinterpret_cast<int (*)(void**)>(get)(&out);
    return out;
  };
  const void* before = current();
  GpuPainter painter({1, 6, 4});
  GpuSession session(50, 16, 16);
  painter.prepare(session.limits);
  painter.draw({session.job});
  session.wait();
  EXPECT_EQ(current(), before);
}

}  // namespace
}  // namespace talkrt::testing
