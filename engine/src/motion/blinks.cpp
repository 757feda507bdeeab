// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/blinks.hpp"

#include <algorithm>
#include <cmath>

#include "engine/src/motion/curves.hpp"

namespace talkrt::motion {
namespace {

constexpr double kClosing = 0.075, kHold = 0.015, kOpening = 0.06;  // seconds; opening: time constant
constexpr double kLength = kClosing + kHold + 6 * kOpening;
constexpr double kRefractory = 0.4;  // seconds from one blink's start to the next one's
constexpr double kBurst = 0.1;       // share of blinks that another one follows at once
constexpr double kSpread = 0.668;    // sd of ln(interval): makes the median 0.8 of the mean

}  // namespace

Blinks::Blinks(std::uint64_t seed, double per_minute)
    : random_(seed, Stream::blink), mean_interval_(per_minute > 0 ? 60.0 / per_minute : 1e9) {
  schedule();
}

void Blinks::schedule() {
  const double shape = random_.uniform(), burst = random_.uniform(), spread = random_.normal();
  depth_ = shape < 0.5 ? 1.0 : shape < 0.8 ? 0.75 : 0.5;  // about half of natural blinks are partial
  countdown_ = burst < kBurst && mean_interval_ < 1e9 ? kRefractory
                                                      : 0.8 * mean_interval_ * std::exp(kSpread * spread);
}

double Blinks::step(double dt, double hazard) {
  after_last_ += dt;
  if (elapsed_ >= 0) {
    elapsed_ += dt;
    if (elapsed_ > kLength) elapsed_ = -1;
  }
  countdown_ -= dt * hazard;
  double closure = elapsed_ < 0 ? 0.0 : depth_ * blink_shape(elapsed_);
  if (countdown_ <= 0 && elapsed_ < 0 && after_last_ >= kRefractory) {
    schedule();
    elapsed_ = after_last_ = closure = 0;
  }
  return closure;
}

double blink_shape(double t) {
  if (t <= 0) return 0;
  if (t < kClosing) return min_jerk(t / kClosing);
  return std::exp(-std::max(0.0, t - kClosing - kHold) / kOpening);
}

}  // namespace talkrt::motion
