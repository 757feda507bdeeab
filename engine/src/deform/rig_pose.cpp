// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/rig_pose.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace talkrt::deform {
namespace {

float piecewise(const std::vector<std::pair<float, float>>& knots, float value) {
  if (value <= knots.front().first) return knots.front().second;
  for (std::size_t k = 1; k < knots.size(); ++k) {
    const auto [x1, y1] = knots[k];
    if (value < x1) {
      const auto [x0, y0] = knots[k - 1];
      return y0 + (value - x0) / (x1 - x0) * (y1 - y0);
    }
  }
  return knots.back().second;
}

// Double inside: a chain of joints multiplies its rounding, and 16 matrices cost nothing.
using Affine = std::array<double, 12>;

Affine local_matrix(const plan::Joint& joint, std::span<const float> channels) {
  std::array<double, 3> angle{}, shift{};
  for (const plan::Drive& d : joint.rotation) {
    angle[static_cast<std::size_t>(d.axis)] +=
        static_cast<double>(d.gain) * channels[static_cast<std::size_t>(d.channel)] * std::numbers::pi / 180;
  }
  for (const plan::Drive& d : joint.translation) {
    shift[static_cast<std::size_t>(d.axis)] +=
        static_cast<double>(d.gain) * channels[static_cast<std::size_t>(d.channel)];
  }
  const double cp = std::cos(angle[0]), sp = std::sin(angle[0]), cy = std::cos(angle[1]),
               sy = std::sin(angle[1]);
  const double cr = std::cos(angle[2]), sr = std::sin(angle[2]);
  // Rz(roll) Ry(yaw) Rx(pitch)
  const std::array<double, 9> R{cr * cy,
                                cr * sy * sp - sr * cp,
                                cr * sy * cp + sr * sp,
                                sr * cy,
                                sr * sy * sp + cr * cp,
                                sr * sy * cp - cr * sp,
                                -sy,
                                cy * sp,
                                cy * cp};
  Affine out{};
  for (std::size_t r = 0; r < 3; ++r) {
    double moved = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      out[4 * r + c] = R[3 * r + c];
      moved += R[3 * r + c] * joint.pivot[c];
    }
    out[4 * r + 3] = joint.pivot[r] - moved + shift[r];
  }
  return out;
}

Affine product(const Affine& a, const Affine& b) {
  Affine out{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      out[4 * r + c] = c == 3 ? a[4 * r + 3] : 0.0;
      for (std::size_t k = 0; k < 3; ++k) out[4 * r + c] += a[4 * r + k] * b[4 * k + c];
    }
  }
  return out;
}

}  // namespace

void shape_weights(const std::vector<plan::Shape>& shapes, std::span<const float> channels,
                   std::span<float> out) {
  for (std::size_t s = 0; s < shapes.size(); ++s) {
    float weight = 1;
    for (const plan::Factor& f : shapes[s].factors) {
      weight *= piecewise(f.knots, channels[static_cast<std::size_t>(f.channel)]);
    }
    out[s] = weight;
  }
}

void joint_matrices(const std::vector<plan::Joint>& joints, std::span<const float> channels,
                    std::span<float> out) {
  std::array<Affine, 16> posed{};  // the format's limit; a parent precedes its children
  for (std::size_t j = 0; j < joints.size(); ++j) {
    const Affine local = local_matrix(joints[j], channels);
    posed[j] =
        joints[j].parent < 0 ? local : product(posed[static_cast<std::size_t>(joints[j].parent)], local);
    for (std::size_t i = 0; i < 12; ++i) out[12 * j + i] = static_cast<float>(posed[j][i]);
  }
}

}  // namespace talkrt::deform
