// SPDX-License-Identifier: Apache-2.0
//
// How far a free camera may go around an avatar that was trained from one side.
#pragma once

#include <array>
#include <span>

#include "kernels/gaussian/splats.hpp"

namespace talkrt::render {

class OrbitLimit {
 public:
  /// Around the mean direction in which `viewmats` [P, 16] see `target`. What one of them sees is never
  /// beyond.
  OrbitLimit(std::span<const float> viewmats, const std::array<float, 3>& target, float degrees);

  /// Throws INVALID_ARGUMENT with the angle and the limit for a camera beyond it.
  void check(const gaussian::Camera& camera) const;

 private:
  using Direction = std::array<double, 3>;
  /// From the target to the camera, unit length; zero where both are one point.
  [[nodiscard]] Direction direction(std::span<const float> viewmat) const;
  [[nodiscard]] double degrees_off(const Direction& direction) const;

  std::array<float, 3> target_;
  Direction middle_{};
  double limit_;
};

}  // namespace talkrt::render
