// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace talkrt::motion {
namespace {

constexpr double kOffset = 0.008, kMinBeta = 1e-4, kMaxBeta = 0.999;

}  // namespace

std::vector<double> cosine_alpha_bars(int steps) {
  const auto level = [steps](int t) {
    const double c =
        std::cos((static_cast<double>(t) / steps + kOffset) / (1 + kOffset) * std::numbers::pi / 2);
    return c * c;
  };
  std::vector<double> bars{1.0};
  for (int t = 1; t <= steps; ++t) {
    const double beta = std::clamp(1 - level(t) / level(t - 1), kMinBeta, kMaxBeta);
    bars.push_back(bars.back() * (1 - beta));
  }
  return bars;
}

std::vector<DiffusionStep> reverse_steps(const std::vector<double>& alpha_bars, int count, double eta) {
  const int steps = static_cast<int>(alpha_bars.size()) - 1;
  const auto time = [&](int i) { return (steps * (count - i) + count - 1) / count; };  // rounded up
  std::vector<DiffusionStep> out;
  for (int i = 0; i < count; ++i) {
    const int t = time(i), before = time(i + 1);
    const double now = alpha_bars[static_cast<std::size_t>(t)];
    const double then = alpha_bars[static_cast<std::size_t>(before)];
    DiffusionStep step{t};
    step.noise = eta * std::sqrt((1 - then) / (1 - now) * (1 - now / then));
    step.keep = std::sqrt(std::max(1 - then - step.noise * step.noise, 0.0) / (1 - now));
    step.clean = std::sqrt(then) - step.keep * std::sqrt(now);
    out.push_back(step);
  }
  return out;
}

}  // namespace talkrt::motion
