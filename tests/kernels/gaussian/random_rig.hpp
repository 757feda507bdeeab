// SPDX-License-Identifier: Apache-2.0
//
// Seeded rigs: random shapes, joints and poses.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/scene.hpp"

namespace talkrt::testing {

using gaussian::Aligned;
using gaussian::kBlock;
using gaussian::kDeltaChannels;

/// The value of an IEEE half.
inline double half_value(std::uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

/// The half nearest below `value` in magnitude; exact halves are all a test needs.
inline std::uint16_t to_half(double value) {
  const double magnitude = std::abs(value);
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int biased = exponent + 14;
  std::uint16_t bits =
      magnitude < std::ldexp(1, -24) ? 0
      : biased <= 0 ? static_cast<std::uint16_t>(std::ldexp(magnitude, 24))
                    : static_cast<std::uint16_t>(
                          biased << 10 | (static_cast<int>(std::ldexp(magnitude, 11 - exponent)) & 1023));
  return static_cast<std::uint16_t>(bits | (value < 0 ? 0x8000 : 0));
}

struct Rig {
  int count, joints, shapes, sh_degree;
  Aligned<float> means, frames, opacities, sh;
  std::vector<std::uint32_t> block_entries;
  std::vector<std::uint16_t> entry_shapes, joint_masks;
  Aligned<std::uint16_t> deltas, joint_weights;
  std::vector<float> weights, matrices;

  [[nodiscard]] int blocks() const { return gaussian::blocks_of(count); }
  [[nodiscard]] gaussian::RigView view() const {
    gaussian::RigView out;
    out.rest = {count, sh_degree, means.data(), frames.data(), opacities.data(), sh.data(), nullptr};
    out.block_entries = block_entries.data();
    out.entry_shapes = entry_shapes.data();
    out.deltas = deltas.data();
    out.joint_weights = joint_weights.data();
    out.joint_masks = joint_masks.data();
    out.joints = joints;
    out.shapes = shapes;
    return out;
  }
};

inline Rig random_rig(int count, int joints, int shapes, int sh_degree, unsigned seed) {
  std::mt19937 bits(seed);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (bits() * 0x1p-32); };
  Rig rig{count, joints, shapes, sh_degree, {}, {}, {}, {}, {0}, {}, {}, {}, {}, {}, {}};
  const auto fill = [&](Aligned<float>& to, int channels, double low, double high) {
    to.resize(static_cast<std::size_t>(rig.blocks()) * channels * kBlock);
    for (float& v : to) v = static_cast<float>(uniform(low, high));
  };
  fill(rig.means, 3, -0.2, 0.2);
  fill(rig.frames, 9, -0.01, 0.01);
  fill(rig.opacities, 1, 0, 1);
  fill(rig.sh, 3 * gaussian::sh_bases(sh_degree), -1, 1);
  for (int b = 0; b < rig.blocks(); ++b) {
    for (int s = 0; s < shapes; ++s) {
      if (bits() % 3 != 0) continue;
      rig.entry_shapes.push_back(static_cast<std::uint16_t>(s));
      for (int i = 0; i < kDeltaChannels * kBlock; ++i) {
        const double scale = i < 12 * kBlock ? 0.01 : 0.5;
        rig.deltas.push_back(i % 50 == 0 ? to_half(1e-7)
                                         : to_half(uniform(-scale, scale)));  // some subnormal
      }
    }
    rig.block_entries.push_back(static_cast<std::uint32_t>(rig.entry_shapes.size()));
    std::uint16_t mask = 0;
    for (int j = 0; j < joints; ++j) {
      const bool used = j == 0 || bits() % 3 == 0;
      mask = static_cast<std::uint16_t>(mask | used << j);
      for (int lane = 0; lane < kBlock; ++lane)
        rig.joint_weights.push_back(used ? to_half(uniform(0, 1)) : 0);
    }
    rig.joint_masks.push_back(mask);
  }
  for (int s = 0; s < shapes; ++s)
    rig.weights.push_back(s % 4 == 1 ? 0.0f : static_cast<float>(uniform(-0.5, 1.5)));
  for (int i = 0; i < joints * 12; ++i) rig.matrices.push_back(static_cast<float>(uniform(-1, 1)));
  return rig;
}

}  // namespace talkrt::testing
