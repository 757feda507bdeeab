// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/camera_rules.hpp"

#include <cmath>
#include <cstddef>

namespace talkrt::plan {
namespace {

constexpr float kRigidTolerance = 1e-3f;

}  // namespace

std::optional<CameraFault> fault_of_viewmat(std::span<const float, 16> m) {
  if (m[12] != 0 || m[13] != 0 || m[14] != 0 || m[15] != 1) {
    return CameraFault{"a matrix with another last row", "0 0 0 1 as last row: row-major [4, 4]"};
  }
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = a; b < 3; ++b) {
      const float dot = m[4 * a] * m[4 * b] + m[4 * a + 1] * m[4 * b + 1] + m[4 * a + 2] * m[4 * b + 2];
      if (!(std::abs(dot - (a == b ? 1.0f : 0.0f)) <= kRigidTolerance)) {
        return CameraFault{"not rigid", "orthonormal rows: a rotation, then a translation"};
      }
    }
  }
  const float determinant = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
                            m[2] * (m[4] * m[9] - m[5] * m[8]);
  if (!(determinant > 0)) return CameraFault{"a mirror image", "a rotation with determinant 1"};
  return std::nullopt;
}

std::optional<CameraFault> fault_of_intrinsics(std::span<const float, 9> K) {
  if (K[1] != 0 || K[3] != 0 || K[6] != 0 || K[7] != 0 || K[8] != 1) {
    return CameraFault{"not a pinhole camera without skew", "[fx, 0, cx, 0, fy, cy, 0, 0, 1]"};
  }
  if (!(K[0] > 0) || !(K[4] > 0)) {
    return CameraFault{"a camera with fx or fy not above 0", "focal lengths in pixels"};
  }
  return std::nullopt;
}

}  // namespace talkrt::plan
