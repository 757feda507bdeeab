// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/head.hpp"

#include <cmath>
#include <numbers>

namespace talkrt::motion {
namespace {

constexpr double kListening = 0.4;        // of the size while talking
constexpr double kMetres = 0.0022;        // standard deviation of each translation
constexpr double kPitchToRoll = 0.2;      // people couple them
constexpr double kAccentsWithNod = 0.35;  // of stressed syllables
constexpr int kSubsteps = 4;              // keeps the integrator within 1 % of the variance at 50 Hz

double soft_limit(double x) { return 2.6 * std::tanh(x / 2.6); }  // rare extremes would look like starts

}  // namespace

Wander::Wander(double hertz, double damping) : omega_(2 * std::numbers::pi * hertz), damping_(damping) {}

double Wander::step(double dt, RandomStream& random) {
  // Variance of x'' = -w^2 x - 2 z w x' + s n(t) is s^2 / (4 z w^3); s makes it 1.
  const double kick = std::sqrt(4 * damping_ * omega_ * omega_ * omega_ * dt) * random.normal();
  velocity_ += kick;
  const double h = dt / kSubsteps;
  for (int i = 0; i < kSubsteps; ++i) {
    velocity_ -= h * (omega_ * omega_ * value_ + 2 * damping_ * omega_ * velocity_);
    value_ += h * velocity_;
  }
  return value_;
}

HeadMotion::HeadMotion(std::uint64_t seed, const std::array<float, 3>& degrees)
    : wander_random_(seed, Stream::head),
      accent_random_(seed, Stream::accent),
      degrees_{degrees[0], degrees[1], degrees[2]},
      wander_{Wander{0.35}, Wander{0.3}, Wander{0.25}, Wander{0.2}, Wander{0.22}, Wander{0.18}} {}

HeadPose HeadMotion::step(double dt, double talking, bool accent, bool onset) {
  const double goal = kListening + (1 - kListening) * talking;
  size_ += (goal - size_) * (1 - std::exp(-dt / 0.4));  // a change of size must not look like a move
  std::array<double, 6> w{};
  for (std::size_t i = 0; i < 6; ++i) w[i] = soft_limit(wander_[i].step(dt, wander_random_));

  if (accent) {
    const double chance = accent_random_.uniform(), amount = accent_random_.uniform(1.2, 3.2);
    if (chance < kAccentsWithNod) nod_.start(amount);
  }
  if (onset) lift_.start(-1.2);

  HeadPose pose;
  pose.pitch = size_ * degrees_[0] * w[0] + nod_.step(dt) + lift_.step(dt);
  pose.yaw = size_ * degrees_[1] * w[1];
  pose.roll = size_ * degrees_[2] * (w[2] + kPitchToRoll * w[0]);
  pose.x = size_ * kMetres * w[3];
  pose.y = size_ * kMetres * 0.6 * w[4];
  pose.z = size_ * kMetres * w[5];
  return pose;
}

}  // namespace talkrt::motion
