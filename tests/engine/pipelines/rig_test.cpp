// SPDX-License-Identifier: Apache-2.0
//
// The rig of tests/data/tiny.plan, re-indexed by block and posed by the kernel, against the formulas of
// FORMAT.md section 4 worked out in double, in the plan's own order.
#include "engine/src/deform/rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <talkrt/error.hpp>
#include <vector>

#include "engine/src/deform/deformer.hpp"
#include "engine/src/deform/rig_pose.hpp"
#include "tests/engine/pipelines/serial_executor.hpp"

namespace talkrt::deform {
namespace {

double half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

template <class T>
T at(const plan::Plan& plan, const char* name, std::size_t index) {
  T value;
  std::memcpy(&value, plan.find(name)->bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

struct Naive {
  std::array<double, 3> mean{};
  std::array<double, 9> frame{};
  double opacity = 0;
};

Naive posed_by_the_book(const plan::Plan& plan, std::size_t i, const std::vector<float>& weights,
                        const std::vector<float>& matrices) {
  const plan::Gaussian& spec = *plan.manifest().gaussian;
  std::array<double, 16> delta{};
  for (std::size_t s = 0; s < spec.shapes.size(); ++s) {
    const auto begin = at<std::uint32_t>(plan, "gaussian/basis/shapes", s);
    const auto end = at<std::uint32_t>(plan, "gaussian/basis/shapes", s + 1);
    for (std::size_t e = begin; e < end; ++e) {
      if (at<std::uint32_t>(plan, "gaussian/basis/blocks", e) != i / 16) continue;
      for (std::size_t c = 0; c < 16; ++c) {
        delta[c] +=
            weights[s] * half(at<std::uint16_t>(plan, "gaussian/basis/deltas", (e * 16 + c) * 16 + i % 16));
      }
    }
  }
  std::array<double, 12> A{};
  for (std::size_t j = 0; j < spec.joints.size(); ++j) {
    const double w = half(
        at<std::uint16_t>(plan, "gaussian/joint_weights", (i / 16 * spec.joints.size() + j) * 16 + i % 16));
    for (std::size_t k = 0; k < 12; ++k) A[k] += w * matrices[12 * j + k];
  }
  std::array<double, 4> q{};
  std::array<double, 3> scale{}, mean{};
  for (std::size_t c = 0; c < 4; ++c) q[c] = at<float>(plan, "gaussian/quats", 4 * i + c);
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = at<float>(plan, "gaussian/scales", 3 * i + c);
    mean[c] = at<float>(plan, "gaussian/means", 3 * i + c) + delta[c];
  }
  const auto [w, x, y, z] = q;
  const std::array<double, 9> R{1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                                2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                                2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  Naive out;
  for (std::size_t r = 0; r < 3; ++r) {
    out.mean[r] = A[4 * r + 3];
    for (std::size_t k = 0; k < 3; ++k) {
      out.mean[r] += A[4 * r + k] * mean[k];
      for (std::size_t c = 0; c < 3; ++c) {
        out.frame[3 * r + c] += A[4 * r + k] * (R[3 * k + c] * scale[c] + delta[3 + 3 * k + c]);
      }
    }
  }
  out.opacity =
      std::clamp(static_cast<double>(at<float>(plan, "gaussian/opacities", i)) + delta[15], 0.0, 1.0);
  return out;
}

TEST(Rig, poses_any_face_as_the_format_says) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const plan::Gaussian& spec = *plan.manifest().gaussian;
  device::Budget budget("test", 0);
  const Rig rig(plan, budget);
  Deformer deformer(rig, spec, budget);
  SerialExecutor executor;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-0.2f, 1.2f);
  for (int round = 0; round < 20; ++round) {
    std::vector<float> channels(spec.channels.size());
    for (float& value : channels) value = uniform(random);
    std::vector<float> weights(spec.shapes.size()), matrices(12 * spec.joints.size());
    shape_weights(spec.shapes, channels, weights);
    joint_matrices(spec.joints, channels, matrices);
    deformer.set(channels);
    const gaussian::Splats& posed = deformer.posed(executor);
    for (std::size_t i = 0; i < static_cast<std::size_t>(spec.count); ++i) {
      const Naive expected = posed_by_the_book(plan, i, weights, matrices);
      const std::size_t block = i / 16, lane = i % 16;
      for (std::size_t c = 0; c < 3; ++c)
        ASSERT_NEAR(posed.means[(block * 3 + c) * 16 + lane], expected.mean[c], 1e-6);
      for (std::size_t c = 0; c < 9; ++c) {
        ASSERT_NEAR(posed.frames[(block * 9 + c) * 16 + lane], expected.frame[c], 1e-7);
      }
      ASSERT_NEAR(posed.opacities[block * 16 + lane], expected.opacity, 1e-6);
    }
  }
}

TEST(Rig, counts_every_byte_and_gives_it_back) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  device::Budget budget("test", 0);
  {
    const Rig rig(plan, budget);
    // Means, frames, opacities, colours of 48 lanes at SH degree 1, layers, and the deltas of 8 entries.
    EXPECT_GE(budget.used(device::MemoryKind::host), 48u * (3 + 9 + 1 + 12) * 4 + 48 + 8 * 512);
  }
  EXPECT_EQ(budget.used(device::MemoryKind::host), 0u);
}

TEST(Rig, is_refused_before_it_is_built_when_the_budget_is_small) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  device::Budget budget("test", 3000);
  EXPECT_THROW(Rig(plan, budget), Error);
  EXPECT_EQ(budget.used(device::MemoryKind::host), 0u);
}

TEST(ShapeWeights, are_products_of_piecewise_linear_functions) {
  const std::vector<plan::Shape> shapes{
      {"plain", {{0, {{0, 0}, {1, 1}}}}},
      {"tent", {{0, {{0, 0}, {0.5f, 1}, {1, 0}}}}},
      {"pair", {{0, {{0, 0}, {1, 1}}}, {1, {{0.2f, 0}, {0.6f, 2}}}}},
  };
  std::array<float, 3> out{};
  const auto at_values = [&](float a, float b) {
    shape_weights(shapes, std::array{a, b}, out);
    return out;
  };
  EXPECT_EQ(at_values(0.25f, 0), (std::array{0.25f, 0.5f, 0.0f}));
  EXPECT_EQ(at_values(0.75f, 0.6f), (std::array{0.75f, 0.5f, 1.5f}));
  EXPECT_EQ(at_values(-3, 9), (std::array{0.0f, 0.0f, 0.0f}));  // constant outside the knots
  EXPECT_EQ(at_values(3, 9), (std::array{1.0f, 0.0f, 2.0f}));
}

TEST(JointMatrices, turn_about_the_pivot_then_move_then_follow_the_parent) {
  plan::Joint neck, jaw;
  neck.rotation = {{1, 0, 90}};  // yaw
  jaw.parent = 0;
  jaw.pivot = {0, 1, 0};
  jaw.rotation = {{0, 1, 90}};  // pitch
  jaw.translation = {{2, 2, 0.5f}};
  std::array<float, 24> out{};
  joint_matrices({neck, jaw}, std::array{0.0f, 1.0f, 1.0f}, out);
  const auto moved = [&](std::size_t joint, float x, float y, float z) {
    std::array<float, 3> p{};
    for (std::size_t r = 0; r < 3; ++r) {
      const float* row = &out[12 * joint + 4 * r];
      p[r] = row[0] * x + row[1] * y + row[2] * z + row[3];
    }
    return p;
  };
  // Pitch turns about +x: +y goes to +z. The pivot stays, but for the translation.
  const auto pivot = moved(1, 0, 1, 0), above = moved(1, 0, 2, 0);
  EXPECT_NEAR(pivot[1], 1, 1e-6);
  EXPECT_NEAR(pivot[2], 0.5, 1e-6);
  EXPECT_NEAR(above[1], 1, 1e-6);
  EXPECT_NEAR(above[2], 1.5, 1e-6);
  // Yaw turns about +y: +z, the nose, goes to +x, the own left.
  joint_matrices({neck, jaw}, std::array{1.0f, 1.0f, 1.0f}, out);
  const auto turned = moved(1, 0, 2, 0);
  EXPECT_NEAR(turned[0], 1.5, 1e-6);
  EXPECT_NEAR(turned[2], 0, 1e-6);
}

}  // namespace
}  // namespace talkrt::deform
