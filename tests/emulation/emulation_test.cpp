// SPDX-License-Identifier: Apache-2.0
//
// The emulation itself: what it must do right for the kernels' tests to mean anything.
#include "tests/emulation/emulation.hpp"

#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "kernels/cuda/launch.hpp"

namespace talkrt::testing {
namespace {

cuda::Launch grid(unsigned blocks, unsigned threads) { return {{blocks, 1, 1}, {threads, 1, 1}}; }

void reverse_blocks(const int* from, int* to) {
  __shared__ int values[64];
  values[63 - threadIdx.x] = from[blockIdx.x * 64 + threadIdx.x];
  __syncthreads();
  to[blockIdx.x * 64 + threadIdx.x] = values[threadIdx.x];
}

TEST(Emulation, threads_meet_at_a_barrier_in_shared_memory) {
  std::vector<int> from(192), to(192);
  std::iota(from.begin(), from.end(), 0);
  ASSERT_EQ(cuda::launch(grid(3, 64), reverse_blocks, static_cast<const int*>(from.data()), to.data()),
            cudaSuccess);
  for (int i = 0; i < 192; ++i) EXPECT_EQ(to[i], i / 64 * 64 + 63 - i % 64);
}

void vote_and_sum(unsigned* votes, int* sums, int* all_below) {
  const int thread = static_cast<int>(threadIdx.x);
  votes[thread] = __ballot_sync(0xffffffffu, thread % 3 == 0 ? 1 : 0);
  int sum = thread;
  for (int apart = 16; apart > 0; apart /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, apart);
  sums[thread] = sum;
  for (int limit = 62; limit < 66; ++limit) all_below[limit - 62] = __syncthreads_and(thread < limit ? 1 : 0);
}

TEST(Emulation, votes_and_shuffles_are_those_of_the_own_warp) {
  std::array<unsigned, 64> votes{};
  std::array<int, 64> sums{};
  std::array<int, 4> all_below{};
  cuda::launch(grid(1, 64), vote_and_sum, votes.data(), sums.data(), all_below.data());
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(votes[i], i < 32 ? 0x49249249u : 0x92492492u);
    EXPECT_EQ(sums[i], i < 32 ? 496 : 1520);
  }
  EXPECT_EQ(all_below, (std::array<int, 4>{0, 0, 1, 1}));
}

void note_order(int* order, int* next) {
  if (threadIdx.x == 0) order[atomicAdd(next, 1)] = static_cast<int>(blockIdx.x);
}

TEST(Emulation, blocks_run_in_the_order_of_the_seed) {
  const auto run = [](unsigned seed) {
    std::array<int, 16> order{};
    int next = 0;
    const unsigned before = emulation::set_order(seed);
    cuda::launch(grid(16, 32), note_order, order.data(), &next);
    emulation::set_order(before);
    EXPECT_EQ(next, 16);
    return order;
  };
  const auto in_order = run(0);
  EXPECT_TRUE(std::is_sorted(in_order.begin(), in_order.end()));
  EXPECT_EQ(run(3), run(3));
  EXPECT_NE(run(3), run(0));
  EXPECT_NE(run(3), run(4));
}

void read_before_writing(unsigned* out) {
  __shared__ unsigned value;
  if (threadIdx.x == 0) out[blockIdx.x] = value, value = 7;
}

TEST(Emulation, shared_memory_holds_garbage_in_every_block) {
  std::array<unsigned, 2> found{};
  cuda::launch(grid(2, 32), read_before_writing, found.data());
  EXPECT_EQ(found, (std::array<unsigned, 2>{0xffffffffu, 0xffffffffu}));
}

void wait_in_one_half(int* out) {
  if (threadIdx.x < 32) __syncthreads();
  out[0] = 1;
}

TEST(EmulationDeathTest, barrier_that_some_threads_skip_is_reported) {
  int out = 0;
  EXPECT_DEATH(cuda::launch(grid(1, 64), wait_in_one_half, &out),
               "a barrier was reached by 32 of 64 threads");
}

TEST(EmulationDeathTest, launch_that_no_gpu_takes_is_refused) {
  int out = 0;
  EXPECT_DEATH(cuda::launch(grid(1, 2048), wait_in_one_half, &out), "cannot be launched");
}

TEST(Emulation, halves_are_read_as_ieee_says) {
  EXPECT_EQ(__half2float(__ushort_as_half(0x3c00)), 1.0f);
  EXPECT_EQ(__half2float(__ushort_as_half(0xc500)), -5.0f);
  EXPECT_EQ(__half2float(__ushort_as_half(0x0001)), 0x1p-24f);
  EXPECT_TRUE(std::isinf(__half2float(__ushort_as_half(0x7c00))));
  EXPECT_TRUE(std::isnan(__half2float(__ushort_as_half(0x7e00))));
}

}  // namespace
}  // namespace talkrt::testing
