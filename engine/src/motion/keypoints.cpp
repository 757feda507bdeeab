// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/keypoints.hpp"

#include <cmath>
#include <numbers>

namespace talkrt::motion {

Rotation rotation_of(const std::array<float, 3>& angles) {
  std::array<float, 3> c{}, s{};
  for (std::size_t i = 0; i < 3; ++i) {
    const float radians = angles[i] * static_cast<float>(std::numbers::pi / 180);
    c[i] = std::cos(radians);
    s[i] = std::sin(radians);
  }
  const auto [cx, cy, cz] = c;
  const auto [sx, sy, sz] = s;
  // (Rz Ry Rx)^T, written out
  return {cz * cy,
          sz * cy,
          -sy,
          cz * sy * sx - sz * cx,
          sz * sy * sx + cz * cx,
          cy * sx,
          cz * sy * cx + sz * sx,
          sz * sy * cx - cz * sx,
          cy * cx};
}

Rotation product(const Rotation& a, const Rotation& b) {
  Rotation out{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) out[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return out;
}

Rotation transposed(const Rotation& a) { return {a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]}; }

Keypoints transformed(const Keypoints& canonical, const Rotation& R, const Keypoints& expression, float scale,
                      const std::array<float, 3>& translation) {
  Keypoints out{};
  for (std::size_t k = 0; k < out.size(); k += 3) {
    for (std::size_t j = 0; j < 3; ++j) {
      const float turned = canonical[k] * R[j] + canonical[k + 1] * R[3 + j] + canonical[k + 2] * R[6 + j];
      out[k + j] = scale * (turned + expression[k + j]) + (j < 2 ? translation[j] : 0.0f);
    }
  }
  return out;
}

}  // namespace talkrt::motion
