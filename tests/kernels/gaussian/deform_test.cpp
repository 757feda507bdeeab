// SPDX-License-Identifier: Apache-2.0
//
// The rig kernel against the formulas of export/FORMAT.md section 4 in double precision.
#include "kernels/gaussian/deform.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_rig.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {
namespace {

using Deform = KernelTest;

struct Posed {
  Aligned<float> means, frames, opacities, sh;

  explicit Posed(const Rig& rig)
      : means(rig.means.size(), -1),
        frames(rig.frames.size(), -1),
        opacities(rig.opacities.size(), -1),
        sh(rig.sh) {}
  gaussian::PosedSplats out() { return {means.data(), frames.data(), opacities.data(), sh.data()}; }
};

Posed run(const Rig& rig, int workers) {
  Posed posed(rig);
  Workers pool(workers);
  deform_cpu(rig.view(), {rig.weights.data(), rig.matrices.data()}, posed.out(), pool);
  return posed;
}

void expect_matches_the_formulas(const Rig& rig) {
  const Posed posed = run(rig, 2);
  const int bases = gaussian::sh_bases(rig.sh_degree);
  for (int i = 0; i < rig.count; ++i) {
    const int b = i / kBlock, lane = i % kBlock;
    const auto at = [&](const Aligned<float>& v, int channels, int c) -> double {
      return v[(static_cast<std::size_t>(b) * channels + c) * kBlock + lane];
    };
    double sum[kDeltaChannels] = {};
    for (std::uint32_t e = rig.block_entries[b]; e < rig.block_entries[b + 1]; ++e) {
      for (int c = 0; c < kDeltaChannels; ++c) {
        sum[c] += rig.weights[rig.entry_shapes[e]] *
                  half_value(rig.deltas[(static_cast<std::size_t>(e) * kDeltaChannels + c) * kBlock + lane]);
      }
    }
    double a[12] = {};
    for (int j = 0; j < rig.joints; ++j) {
      const double w =
          half_value(rig.joint_weights[(static_cast<std::size_t>(b) * rig.joints + j) * kBlock + lane]);
      for (int k = 0; k < 12; ++k) a[k] += w * rig.matrices[j * 12 + k];
    }
    for (int row = 0; row < 3; ++row) {
      double mean = a[row * 4 + 3];
      for (int k = 0; k < 3; ++k) mean += a[row * 4 + k] * (at(rig.means, 3, k) + sum[k]);
      ASSERT_NEAR(at(posed.means, 3, row), mean, 1e-5) << "Gaussian " << i;
      for (int column = 0; column < 3; ++column) {
        double value = 0;
        for (int k = 0; k < 3; ++k) {
          value += a[row * 4 + k] * (at(rig.frames, 9, k * 3 + column) + sum[3 + k * 3 + column]);
        }
        ASSERT_NEAR(at(posed.frames, 9, row * 3 + column), value, 1e-6) << "Gaussian " << i;
      }
    }
    for (int c = 0; c < 3 * bases; ++c) {
      const double expected = at(rig.sh, 3 * bases, c) + (c < 3 ? sum[12 + c] / 0.28209479177387814 : 0);
      ASSERT_NEAR(at(posed.sh, 3 * bases, c), expected, 2e-5) << "Gaussian " << i;
    }
    const double opacity = at(rig.opacities, 1, 0) + sum[15];
    ASSERT_NEAR(at(posed.opacities, 1, 0),
                opacity < 0   ? 0
                : opacity > 1 ? 1
                              : opacity,
                1e-5)
        << "Gaussian " << i;
  }
}

TEST_F(Deform, shapes_and_joints_follow_the_format) {
  expect_matches_the_formulas(random_rig(1000, 5, 40, 0, 1));
}

TEST_F(Deform, sixteen_joints_and_odd_counts_work) {
  expect_matches_the_formulas(random_rig(1037, 16, 9, 3, 2));
}

TEST_F(Deform, a_rig_without_shapes_is_only_skinned) {
  expect_matches_the_formulas(random_rig(50, 1, 0, 1, 3));
}

TEST_F(Deform, an_empty_rig_is_fine) { run(random_rig(0, 1, 2, 0, 4), 2); }

TEST_F(Deform, pose_is_bit_identical_for_any_number_of_workers) {
  const Rig rig = random_rig(9000, 6, 12, 1, 5);
  const Posed one = run(rig, 1);
  for (const int workers : {2, 3, 7}) {
    const Posed many = run(rig, workers);
    EXPECT_EQ(one.means, many.means);
    EXPECT_EQ(one.frames, many.frames);
    EXPECT_EQ(one.opacities, many.opacities);
    EXPECT_EQ(one.sh, many.sh);
  }
}

}  // namespace
}  // namespace talkrt::testing
