// SPDX-License-Identifier: Apache-2.0
//
// What makes sixteen and nine numbers a camera, wherever they come from: a plan, or the host.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace talkrt::plan {

/// What coordinates and scales do not exceed in magnitude: metres about a head, or a captured scene with its
/// sky, in units of its own. FORMAT.md says why. And what focal lengths and principal points do not, pixels.
inline constexpr float kHeadReach = 1000, kSceneReach = 1e6f, kLargestFocus = 1e6f;

struct CameraFault {
  std::string_view found, expected;  // literals
};

/// World to camera: a rotation and a translation, row-major, nothing else.
std::optional<CameraFault> fault_of_viewmat(std::span<const float, 16> m);
/// A pinhole without skew, row-major.
std::optional<CameraFault> fault_of_intrinsics(std::span<const float, 9> K);

}  // namespace talkrt::plan
