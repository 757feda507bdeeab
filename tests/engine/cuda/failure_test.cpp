// SPDX-License-Identifier: Apache-2.0
//
// What the CUDA module does when memory ends, a call fails or the GPU is lost: a number, a sentence, no leak.
#include <cuda_runtime_api.h>

#include <memory>

#include "tests/engine/cuda/avatar.hpp"

namespace talkrt::testing {
namespace {

/// One of everything, drawn once.
void whole_life() {
  static const layered::Head head(1, 1, 16);
  GpuPainter painter({2, 6, 4});
  GpuSession session(60, 24, 16);
  GpuAvatar avatar(head, {true, true, 16, 18});
  painter.prepare(session.limits);
  painter.prepare(avatar.limits);
  avatar.next(1, 7);
  painter.draw({session.job, avatar.job});
  session.wait();
  avatar.wait();
}

class CudaFailure : public ::testing::Test {
 protected:
  ~CudaFailure() override { talkrt_emulation_restore(); }
};

TEST_F(CudaFailure, what_is_taken_is_what_was_measured_and_all_of_it_comes_back) {
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  {
    const GpuPainter painter({5, 6, 4});
    EXPECT_EQ(talkrt_emulation_bytes_taken() - before, painter.device_bytes + painter.pinned_bytes);
    EXPECT_EQ(painter.pinned_bytes, 3 * painter.device_bytes);
  }
  whole_life();
  EXPECT_EQ(talkrt_emulation_bytes_taken(), before);
}

TEST_F(CudaFailure, end_of_memory_at_any_point_is_a_message_and_no_leak) {
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  for (std::uint64_t bytes = 0;; bytes += 2000) {
    talkrt_emulation_set_memory_limit(before + bytes);
    try {
      whole_life();
      break;
    } catch (const Refused& refused) {
      ASSERT_EQ(refused.code, cudaErrorMemoryAllocation);
      ASSERT_NE(std::string(refused.what()).find("out of memory (CUDA error 2)"), std::string::npos)
          << refused.what();
    }
    ASSERT_EQ(talkrt_emulation_bytes_taken(), before);
  }
  EXPECT_EQ(talkrt_emulation_bytes_taken(), before);
}

TEST_F(CudaFailure, any_call_may_fail_once_and_nothing_leaks) {
  const std::uint64_t before = talkrt_emulation_bytes_taken(), start = talkrt_emulation_calls(nullptr);
  whole_life();
  const std::uint64_t calls = talkrt_emulation_calls(nullptr) - start;
  int refusals = 0;
  for (std::uint64_t nth = 0; nth < calls; ++nth) {
    talkrt_emulation_fail(nth, 801);
    try {
      whole_life();
    } catch (const Refused& refused) {
      ++refusals;
      ASSERT_EQ(refused.code, 801) << nth;
      ASSERT_NE(std::string(refused.what()).find("CUDA failed at "), std::string::npos) << refused.what();
    }
    talkrt_emulation_restore();
    ASSERT_EQ(talkrt_emulation_bytes_taken(), before) << nth;
  }
  EXPECT_GT(refusals, 50);  // the others give something back
}

TEST_F(CudaFailure, gpu_lost_at_any_call_says_so_from_then_on) {
  const std::uint64_t before = talkrt_emulation_bytes_taken(), start = talkrt_emulation_calls(nullptr);
  whole_life();
  const std::uint64_t calls = talkrt_emulation_calls(nullptr) - start;
  for (const int late : {0, 1}) {
    for (std::uint64_t nth = 0; nth < calls; ++nth) {
      talkrt_emulation_set_late(late);
      talkrt_emulation_fail(nth, cudaErrorIllegalAddress);
      try {
        whole_life();
      } catch (const Refused& refused) {
        ASSERT_EQ(refused.code, cudaErrorIllegalAddress);
        ASSERT_STREQ(
            refused.what(),
            "the GPU failed while in use: an illegal memory access was encountered (CUDA error 700); "
            "this process cannot use it any more");
      }
      cuda::Why why{};
      void* memory = nullptr;
      ASSERT_EQ(module().take(0, cuda::Memory::device, 256, &memory, &why), cudaErrorIllegalAddress) << nth;
      ASSERT_EQ(memory, nullptr);
      talkrt_emulation_restore();
      ASSERT_EQ(talkrt_emulation_bytes_taken(), before) << nth;
    }
  }
  talkrt_emulation_set_late(0);
}

TEST_F(CudaFailure, frame_under_way_when_the_gpu_is_lost_is_no_picture) {
  talkrt_emulation_set_late(1);
  {
    GpuPainter painter({2, 6, 4});
    GpuSession session(60, 24, 16);
    painter.prepare(session.limits);
    painter.draw({session.job});
    talkrt_emulation_fail(0, cudaErrorIllegalAddress);
    EXPECT_THROW(session.wait(), Refused);
    EXPECT_THROW(session.wait(), Refused);
    EXPECT_THROW(painter.draw({session.job}), Refused);
    bool ready = true;
    cuda::Why why{};
    EXPECT_TRUE(cuda::lost(module().ready(session.job.done, &ready, &why)));
    EXPECT_EQ(session.pixels[0], -1.0f);
  }
  talkrt_emulation_restore();
  talkrt_emulation_set_late(0);
}

TEST_F(CudaFailure, wrong_arguments_are_messages) {
  cuda::Why why{};
  std::uint64_t device = 0, pinned = 0;
  cuda::PainterSpec spec{0, 0, 0};
  EXPECT_EQ(module().measure_painter(&spec, &device, &pinned, &why), cudaErrorInvalidValue);
  EXPECT_STREQ(why.text, "views of a painter: expected 1 to 4096");
  cuda::Ticket* ticket = nullptr;
  EXPECT_EQ(module().create_ticket(1, &ticket, &why), cudaErrorInvalidDevice);
  EXPECT_STREQ(why.text, "CUDA failed at choosing the device: invalid device ordinal (CUDA error 101)");

  GpuPainter painter({2, 6, 4});
  GpuSession session(60, 24, 16);
  const auto refusal = [&](const cuda::Job& job, int count = 1) {
    const std::vector<cuda::Job> jobs(3, job);
    EXPECT_EQ(module().draw(painter.painter, jobs.data(), count, &why), cudaErrorInvalidValue);
    return std::string(why.text);
  };
  EXPECT_NE(refusal(session.job).find("larger than all that its painter was prepared for"),
            std::string::npos);
  gaussian::CudaLimits other = session.limits;
  other.shapes = 0;
  painter.prepare(other);
  EXPECT_NE(refusal(session.job).find("larger than all that its painter was prepared for"),
            std::string::npos);
  other.joints = 5;
  EXPECT_EQ(module().prepare(painter.painter, &other, &why), cudaErrorInvalidValue);
  EXPECT_STREQ(why.text, "a rig has more shapes or joints than its painter was made for");
  painter.prepare(session.limits);
  EXPECT_NE(refusal(session.job, 3).find("expected 1 to the painter's views"), std::string::npos);
  EXPECT_NE(refusal(session.job, 0).find("expected 1 to the painter's views"), std::string::npos);
  cuda::Job job = session.job;
  job.view.bin_capacity = 5000;
  EXPECT_NE(refusal(job).find("bin_capacity of a job: expected 1 to 2048"), std::string::npos);
  job = session.job;
  job.view.rig.shapes = 7;
  EXPECT_NE(refusal(job).find("more shapes"), std::string::npos);
  job = session.job;
  job.view.rig.joints = 5;
  EXPECT_NE(refusal(job).find("more joints"), std::string::npos);
  job = session.job;
  job.copy_count = 5;
  EXPECT_NE(refusal(job).find("copies of a job: expected 0 to 4"), std::string::npos);
  painter.draw({session.job});
  session.wait();
  module().give(0, cuda::Memory::device, nullptr);
  module().destroy_painter(nullptr);
  module().destroy_ticket(nullptr);
}

}  // namespace
}  // namespace talkrt::testing
