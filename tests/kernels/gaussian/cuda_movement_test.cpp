// SPDX-License-Identifier: Apache-2.0
//
// Networks on a GPU against the CPU's, in emulation: the same order of operations, so the same numbers. The
// CPU's are held against double precision in network_test.cpp and attention_test.cpp.
#include "tests/kernels/gaussian/cuda_movement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "tests/emulation/emulation.hpp"

namespace talkrt::testing {
namespace {

using gaussian::Aligned;

/// Against the CPU's AVX2 path where there is one: AVX-512 cuts the fraction of 2^x off where others round
/// it, and SSE2 has no fused multiply-add.
class CudaMovement : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) setenv("TALKRT_CPU", "avx2", 0);
#endif
  }
};

/// The same numbers, but for the CPU's other paths.
void expect_same(const Aligned<float>& found, const Aligned<float>& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size());
  const std::string_view path = gaussian::cpu_path();
  const float bound = path == "avx2" ? 0.0f : path == "avx512" ? 3e-6f : 1e-4f;
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_LE(std::abs(found[i] - expected[i]), bound * std::max(1.0f, std::abs(expected[i])))
        << what << ", number " << i << ": " << found[i] << " and " << expected[i];
  }
}

void expect_cpu_numbers(const attending::Head& head, std::size_t shared_bytes) {
  const gaussian::PackedScene packed(head.scene);
  const attending::Arrays expected = attending::moved(head, packed, 1);
  const attending::Arrays found = moved_by_cuda(head, packed, shared_bytes);
  expect_same(found.means, expected.means, "means");
  expect_same(found.frames, expected.frames, "frames");
  expect_same(found.opacities, expected.opacities, "opacities");
  expect_same(found.sh, expected.sh, "sh");
}

TEST_F(CudaMovement, attention_is_the_cpus_at_the_published_widths) {
  const attending::Head head({9, 3, 1, 64, 128, 2, 3, 128, 3}, 0.7f);
  expect_cpu_numbers(head, kMuchShared);
  expect_cpu_numbers(head, gaussian::kLeastSharedBytes);
  expect_cpu_numbers(head, 0);  // 32 Gaussians a block of threads, whatever fits
}

TEST_F(CudaMovement, attention_is_the_cpus_at_any_width) {
  expect_cpu_numbers(attending::Head({5, 1, 2, 64, 128, 2, 3, 128, 3}, 0.5f), kMuchShared);
  expect_cpu_numbers(attending::Head({2, 9, 3, 21, 37, 3, 5, 13, 1}, 1.5f), kMuchShared);
  expect_cpu_numbers(attending::Head({3, 15, 2, 101, 150, 1, 9, 71, 2}), kMuchShared);
  expect_cpu_numbers(attending::Head({1, 15, 1, 256, 256, 8, 4, 256, 0}), gaussian::kLeastSharedBytes);
}

TEST_F(CudaMovement, attributes_without_a_branch_stay) {
  attending::Head head({3, 2, 1, 64, 128, 2, 3, 128, 1});
  for (const int o : {1, 3, 4}) head.net.branch(o) = {};
  expect_cpu_numbers(head, kMuchShared);
  for (const int o : {0, 2}) std::swap(head.net.branch(o), head.net.branch(o + 1));
  head.net.branch(1) = {};
  head.net.branch(3) = {};
  expect_cpu_numbers(head, kMuchShared);
}

TEST_F(CudaMovement, layers_are_the_cpus) {
  for (const int width : {64, 32, 20, 200, 256}) {
    const layered::Head head(
        width == 64 ? 9 : 5, 3, width,
        width == 32 ? gaussian::ScaleActivation::exp : gaussian::ScaleActivation::softplus);
    const gaussian::PackedScene packed(head.scene);
    const layered::Arrays expected = layered::moved(head, packed, 1);
    for (const std::size_t shared : {kMuchShared, std::size_t{0}}) {
      const unsigned long before = emulation::launches();
      const layered::Arrays found = moved_by_cuda(head, packed, shared);
      EXPECT_EQ(emulation::launches() - before, 1U);
      expect_same(found.means, expected.means, "means");
      expect_same(found.frames, expected.frames, "frames");
    }
  }
}

TEST_F(CudaMovement, numbers_are_the_same_for_any_order_of_blocks_and_threads) {
  const layered::Head layers(6, 5, 64);
  const attending::Head attention({6, 3, 1, 64, 128, 2, 3, 128, 1});
  const gaussian::PackedScene of_layers(layers.scene), of_attention(attention.scene);
  const layered::Arrays expected = moved_by_cuda(layers, of_layers);
  const attending::Arrays expected_attention = moved_by_cuda(attention, of_attention);
  for (const unsigned seed : {1U, 2U, 3U}) {
    const unsigned before = emulation::set_order(seed);
    const layered::Arrays found = moved_by_cuda(layers, of_layers);
    EXPECT_TRUE(found.means == expected.means && found.frames == expected.frames) << seed;
    EXPECT_TRUE(moved_by_cuda(attention, of_attention) == expected_attention) << seed;
    emulation::set_order(before);
  }
}

TEST_F(CudaMovement, what_every_gpu_has_is_enough_for_the_widest_network) {
  attending::Head head({1, 0, 1, 256, 256, 8, 4, 256, 0});
  const std::size_t row = 32 * sizeof(float);
  EXPECT_LT(move_rows_of(head.net.view) * row + std::size_t{12} * 1024, gaussian::kLeastSharedBytes);
}

}  // namespace
}  // namespace talkrt::testing
