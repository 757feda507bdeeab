// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/orbit_limit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <talkrt/error.hpp>

namespace talkrt::render {
namespace {

constexpr double kRounding = 0.01;  // degrees; a camera on the limit is within it

void normalise(std::array<double, 3>& v) {
  const double length = std::hypot(v[0], v[1], v[2]);
  for (double& c : v) c = length > 1e-9 ? c / length : 0;
}

}  // namespace

OrbitLimit::OrbitLimit(std::span<const float> viewmats, const std::array<float, 3>& target, float degrees)
    : target_(target), limit_(static_cast<double>(degrees)) {
  for (std::size_t i = 0; i < viewmats.size(); i += 16) {
    const Direction seen = direction(viewmats.subspan(i, 16));
    for (std::size_t c = 0; c < 3; ++c) middle_[c] += seen[c];
  }
  normalise(middle_);
  for (std::size_t i = 0; i < viewmats.size(); i += 16) {
    limit_ = std::max(limit_, degrees_off(direction(viewmats.subspan(i, 16))));
  }
}

OrbitLimit::Direction OrbitLimit::direction(std::span<const float> viewmat) const {
  Direction out{};
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t row = 0; row < 3; ++row) {
      out[c] -= static_cast<double>(viewmat[4 * row + c]) * static_cast<double>(viewmat[4 * row + 3]);
    }
    out[c] -= static_cast<double>(target_[c]);
  }
  normalise(out);
  return out;
}

double OrbitLimit::degrees_off(const Direction& direction) const {
  const double cosine = direction[0] * middle_[0] + direction[1] * middle_[1] + direction[2] * middle_[2];
  return std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi;
}

void OrbitLimit::check(const gaussian::Camera& camera) const {
  const double off = degrees_off(direction(camera.viewmat));
  if (off <= limit_ + kRounding) return;
  std::array<char, 160> text{};
  std::snprintf(
      text.data(), text.size(),
      "camera.viewmat is %.1f degrees around the avatar, expected at most %.1f: beyond, no training "
      "picture showed it",
      off, limit_);
  throw Error(TALKRT_ERROR_INVALID_ARGUMENT, text.data());
}

}  // namespace talkrt::render
