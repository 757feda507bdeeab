// SPDX-License-Identifier: Apache-2.0
//
// A presenter in a portrait is liked best with a steady gaze, so looks away are smaller and rarer here
// than in conversation: 4 to 8 degrees, 0.5 to 1.2 s. Saccade lengths and speeds are the main sequence's.
#include "engine/src/motion/gaze.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {
namespace {

constexpr double kAversionMean = 0.85;  // seconds
constexpr double kLongestLook = 6.0;    // seconds: beyond it a look becomes a stare

// Cumulative share of directions, 45 degrees apart, from the own left, upwards (Eyes Alive, 2002).
constexpr std::array<double, 8> kDirections{0.155, 0.220, 0.397, 0.471, 0.639, 0.718, 0.922, 1.0};

// Fixations within the face one talks to: its two eyes and its mouth, degrees at arm's length.
constexpr std::array<Direction, 3> kTargets{{{0.7, -0.2}, {-0.7, -0.2}, {0.0, 0.8}}};

double saccade_seconds(double degrees) { return 0.021 + 0.0022 * degrees; }

}  // namespace

Gaze::Gaze(std::uint64_t seed, double share) : random_(seed, Stream::gaze), share_(share) {
  until_aversion_ = random_.uniform(1.5, 4.0);
}

void Gaze::next_fixation() {
  from_ = to_;
  if (until_aversion_ <= 0 && share_ < 1) {
    const double pick = random_.uniform(), size = random_.uniform(4, 8);
    std::size_t octant = 0;
    while (octant < 7 && pick >= kDirections[octant]) ++octant;
    const double angle = static_cast<double>(octant) * std::numbers::pi / 4;
    to_ = {size * std::cos(angle), -0.7 * size * std::sin(angle)};
    remaining_ = random_.uniform(0.5, 1.2);
    const double look = kAversionMean * share_ / (1 - share_) * random_.uniform(0.5, 1.5);
    until_aversion_ = std::min(look, kLongestLook * random_.uniform(0.8, 1.0));
  } else {
    const auto& target = kTargets[static_cast<std::size_t>(random_.uniform() * 3)];
    to_ = {target.yaw + 0.2 * random_.normal(), target.pitch + 0.2 * random_.normal()};
    remaining_ = random_.uniform(0.3, 1.5);
    until_aversion_ -= remaining_;
  }
  saccade_ = saccade_seconds(std::hypot(to_.yaw - from_.yaw, to_.pitch - from_.pitch));
  elapsed_ = 0;
}

Direction Gaze::step(double dt) {
  elapsed_ += dt;
  remaining_ -= dt;
  if (remaining_ <= 0) next_fixation();
  const double s = min_jerk(elapsed_ / saccade_);
  return {from_.yaw + s * (to_.yaw - from_.yaw), from_.pitch + s * (to_.pitch - from_.pitch)};
}

}  // namespace talkrt::motion
