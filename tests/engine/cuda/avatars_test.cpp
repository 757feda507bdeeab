// SPDX-License-Identifier: Apache-2.0
//
// Recorded avatars by the CUDA module's table: several in a draw are what each is alone, in as many launches.
// Their networks are held against the CPU's in cuda_movement_test.cpp, whole sessions in gpu_avatar_test.cpp.
#include <cuda_runtime_api.h>

#include <map>

#include "tests/emulation/emulation.hpp"
#include "tests/engine/cuda/allocations.hpp"
#include "tests/engine/cuda/avatar.hpp"

namespace talkrt::testing {
namespace {

const layered::Head& face() {
  static const layered::Head head(3, 2, 32);
  return head;
}
const layered::Head& wide_face() {
  static const layered::Head head(5, 1, 64);
  return head;
}
const attending::Head& attentive() {
  static const attending::Head head({3, 3, 1, 16, 24, 2, 3, 16, 1});
  return head;
}

class Avatars : public ::testing::TestWithParam<bool> {
 protected:
  Avatars() { talkrt_emulation_set_late(GetParam() ? 1 : 0); }
  ~Avatars() override { talkrt_emulation_set_late(0); }
};

INSTANTIATE_TEST_SUITE_P(, Avatars, ::testing::Bool(),
                         [](const auto& instance) { return instance.param ? "late" : "at_once"; });

/// Two of each kind, with grown alpha, a backdrop or a torso under nothing; and two rigged heads.
struct Crowd {
  std::deque<GpuAvatar> avatars;
  std::deque<GpuSession> heads;
  GpuPainter painter{{8, 6, 4}};

  Crowd() {
    avatars.emplace_back(face(), Look{true, true});
    avatars.emplace_back(wide_face(), Look{true, true, 33, 41});
    avatars.emplace_back(face(), Look{true, true, 20, 20});
    avatars.emplace_back(attentive(), Look{});
    avatars.emplace_back(attentive(), Look{false, false, 48, 20});
    heads.emplace_back(300, 40, 24);
    for (GpuAvatar& avatar : avatars) painter.prepare(avatar.limits);
    heads.emplace_back(30, 70, 50, 5, 2, 0);
    for (GpuSession& head : heads) painter.prepare(head.limits);
  }
  /// Draws these avatars and so many heads, and says in how many launches.
  std::uint64_t draw(std::initializer_list<std::size_t> which, std::size_t rigged, unsigned char shade) {
    std::vector<cuda::Job> jobs;
    for (std::size_t i = 0; i < rigged; ++i) jobs.push_back(heads[i].job);
    for (const std::size_t i : which) {
      avatars[i].next(0.1f * static_cast<float>(shade % 11), shade);
      jobs.push_back(avatars[i].job);
    }
    const std::uint64_t before = talkrt_emulation_launches();
    painter.draw(jobs);
    for (const cuda::Job& job : jobs) must([&](auto* why) { return module().wait(job.done, why); });
    return talkrt_emulation_launches() - before;
  }
};

TEST_P(Avatars, any_number_in_a_draw_are_what_they_are_alone_in_as_many_launches) {
  Crowd crowd;
  const auto expect_pictures = [&](std::initializer_list<std::size_t> which) {
    for (const std::size_t i : which) {
      GpuAvatar& avatar = crowd.avatars[i];
      ASSERT_EQ(avatar.picture(), avatar.expected()) << i;
    }
  };
  EXPECT_EQ(crowd.draw({0}, 0, 40), 6u);  // in, layers, backdrop, the views' two, grown alpha
  expect_pictures({0});
  EXPECT_EQ(crowd.draw({0, 1, 2}, 0, 50), 6u);
  expect_pictures({0, 1, 2});
  EXPECT_EQ(crowd.draw({3}, 0, 60), 5u);  // in, attention, backdrop, the views' two
  expect_pictures({3});
  EXPECT_EQ(crowd.draw({4, 2, 3, 0, 1}, 2, 70), 8u);  // every kernel there is
  expect_pictures({0, 1, 2, 3, 4});
  EXPECT_EQ(crowd.draw({4, 0}, 1, 80), 8u);
  expect_pictures({0, 4});
  for (const GpuSession& head : crowd.heads) EXPECT_EQ(head.picture(), head.expected());
  EXPECT_EQ(crowd.draw({}, 1, 0), 2u);  // avatars elsewhere cost heads nothing
  EXPECT_EQ(crowd.draw({}, 2, 0), 2u);
}

TEST_P(Avatars, torso_lies_under_what_was_drawn_on_nothing) {
  Crowd crowd;
  crowd.draw({4}, 0, 90);
  const GpuAvatar& avatar = crowd.avatars[4];
  const std::vector<std::uint8_t> alone(avatar.bytes_drawn, avatar.bytes_drawn + 48 * 20 * 4);
  int under = 0;
  for (int y = 0; y < GpuAvatar::kRows; ++y) {
    for (int x = 0; x < GpuAvatar::kColumns; ++x) {
      if (avatar.torso[static_cast<std::size_t>(y * GpuAvatar::kColumns + x) * 4 + 3] == 0) continue;
      ++under;
      EXPECT_EQ(alone[static_cast<std::size_t>((y + GpuAvatar::kTop) * 48 + x + GpuAvatar::kLeft) * 4 + 3],
                255);
    }
  }
  EXPECT_GT(under, 40);
  crowd.draw({1, 4, 3}, 1, 90);
  EXPECT_EQ(std::vector<std::uint8_t>(avatar.bytes_drawn, avatar.bytes_drawn + alone.size()), alone);
}

TEST_P(Avatars, frames_under_way_keep_what_they_were_told) {
  GpuPainter painter({2, 0, 0});
  GpuAvatar one(face(), Look{true, true}), other(attentive(), Look{true, false, 24, 24});
  for (GpuAvatar* avatar : {&one, &other}) painter.prepare(avatar->limits);
  constexpr int kFrames = 7;
  std::deque<Taken> out;
  std::vector<std::vector<float>> expected;
  for (int frame = 0; frame < kFrames; ++frame) {
    std::vector<cuda::Job> jobs;
    for (GpuAvatar* avatar : {&one, &other}) {
      avatar->next(0.2f * static_cast<float>(frame), static_cast<unsigned char>(20 * frame));
      expected.push_back(avatar->expected());
      jobs.push_back(avatar->job);
      auto& device = out.emplace_back(cuda::Memory::device, avatar->frame_bytes());
      jobs.back().view.target.rgba_float = device.as<float>();
      jobs.back().copy_count = 0;
    }
    painter.draw(jobs);
  }
  one.wait();
  other.wait();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto* pixels = out[i].as<float>();
    EXPECT_EQ(std::vector<float>(pixels, pixels + expected[i].size()), expected[i]) << i;
  }
}

TEST(CudaAvatars, order_of_blocks_and_threads_does_not_matter) {
  Crowd crowd;
  for (const unsigned seed : {1U, 2U}) {
    const unsigned before = emulation::set_order(seed);
    crowd.draw({3, 0, 1, 2}, 1, static_cast<unsigned char>(seed));
    emulation::set_order(before);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(crowd.avatars[i].picture(), crowd.avatars[i].expected()) << seed << i;
    }
  }
}

TEST(CudaAvatars, frame_of_any_number_is_one_graph_and_takes_no_memory_and_no_wait) {
  Crowd crowd;
  const char* names[] = {"cudaGraphLaunch",
                         "cudaLaunchKernelEx",
                         "cudaMalloc",
                         "cudaMallocHost",
                         "cudaFree",
                         "cudaGraphInstantiate",
                         "cudaStreamSynchronize",
                         "cudaEventSynchronize",
                         "cudaMemcpy",
                         "cudaFuncSetAttribute",
                         "cudaEventCreateWithFlags",
                         "cudaMemcpyAsync"};
  for (std::size_t count : {1, 3}) {
    std::vector<cuda::Job> jobs;
    for (std::size_t i = 0; i < count; ++i) {
      crowd.avatars[i].next(1, 3);
      jobs.push_back(crowd.avatars[i].job);
    }
    std::map<std::string, std::uint64_t> calls;
    for (const char* name : names) calls[name] = talkrt_emulation_calls(name);
    const unsigned long host = allocations();
    cuda::Why why;
    for (int frame = 0; frame < 4; ++frame) {
      ASSERT_EQ(module().draw(crowd.painter.painter, jobs.data(), static_cast<int>(count), &why), 0);
      for (const cuda::Job& job : jobs) ASSERT_EQ(module().wait(job.done, &why), 0);
    }
    EXPECT_EQ(allocations() - host, 0u);
    for (const char* name : names) calls[name] = talkrt_emulation_calls(name) - calls[name];
    EXPECT_EQ(calls.extract("cudaGraphLaunch").mapped(), 4u);
    EXPECT_EQ(calls.extract("cudaMemcpyAsync").mapped(),
              4 * count);  // pictures out; nothing goes in by itself
    for (const auto& [name, times] : calls) EXPECT_EQ(times, 0u) << name;
  }
}

TEST(CudaAvatars, wrong_arguments_are_messages) {
  GpuPainter painter({2, 6, 4});
  GpuAvatar avatar(face(), Look{});
  avatar.next(1, 3);
  const auto refusal = [&](const cuda::Recorded& recorded) {
    cuda::Job job = avatar.job;
    job.recorded = &recorded;
    cuda::Why why{};
    EXPECT_EQ(module().draw(painter.painter, &job, 1, &why), cudaErrorInvalidValue);
    return std::string(why.text);
  };
  gaussian::CudaLimits without = avatar.limits;
  without.avatar = {};
  painter.prepare(without);
  EXPECT_NE(refusal(avatar.recorded).find("larger than all that its painter was prepared for"),
            std::string::npos);
  painter.prepare(avatar.limits);
  cuda::Recorded wrong = avatar.recorded;
  wrong.in.from = avatar.slots[0].as() + 4;
  EXPECT_EQ(refusal(wrong), "what an avatar's frame copies in: expected to begin on 16 bytes");
  wrong = avatar.recorded;
  wrong.layers = nullptr;
  EXPECT_EQ(refusal(wrong), "networks of an avatar's frame: expected as many as are counted");
  wrong = avatar.recorded;
  wrong.layers_rows = 0;
  EXPECT_EQ(refusal(wrong), "rows of an avatar's networks: expected what move_rows_of() says");
  wrong.layers_rows = avatar.recorded.layers_rows + 1;
  EXPECT_NE(refusal(wrong).find("larger than all that its painter was prepared for"), std::string::npos);
  wrong = avatar.recorded;
  wrong.track = nullptr;
  EXPECT_EQ(refusal(wrong), "an avatar's frame composes what is behind it and has no track");
  painter.draw({avatar.job});
  avatar.wait();
  EXPECT_EQ(avatar.picture(), avatar.expected());
}

}  // namespace
}  // namespace talkrt::testing
