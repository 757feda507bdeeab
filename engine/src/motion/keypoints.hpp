// SPDX-License-Identifier: Apache-2.0
//
// Faces as keypoints in a volume of [-1, 1]: x to the right, y down, z into the picture. Keypoints are row
// vectors: x = scale (canonical R + expression) + (t_x, t_y, 0).
#pragma once

#include <array>
#include <span>

namespace talkrt::motion {

inline constexpr int kKeypoints = 21;
using Keypoints = std::array<float, 3 * kKeypoints>;  // [keypoint, axis]
using Rotation = std::array<float, 9>;                // row-major

/// The keypoints that lips move.
inline constexpr std::array<int, 6> kLips{6, 12, 14, 17, 19, 20};

/// A face as the motion generator sees it. Angles in degrees: pitch, yaw, roll.
struct FaceMotion {
  Keypoints expression{};
  float scale = 1;
  std::array<float, 3> translation{}, angles{};
};

/// A portrait's face at rest.
struct SourceFace {
  Keypoints keypoints{}, canonical{}, expression{};
  float scale = 1;
  std::array<float, 3> translation{};
  Rotation rotation{};
};

/// Degrees to what multiplies row vectors from the right.
[[nodiscard]] Rotation rotation_of(const std::array<float, 3>& angles);
[[nodiscard]] Rotation product(const Rotation& a, const Rotation& b);
[[nodiscard]] Rotation transposed(const Rotation& a);
[[nodiscard]] Keypoints transformed(const Keypoints& canonical, const Rotation& R,
                                    const Keypoints& expression, float scale,
                                    const std::array<float, 3>& translation);

}  // namespace talkrt::motion
