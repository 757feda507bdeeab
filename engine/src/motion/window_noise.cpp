// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/window_noise.hpp"

#include <cmath>
#include <numbers>

namespace talkrt::motion {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;

// SplitMix64 of a counter (Steele, Lea and Flood 2014).
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = x * kGolden + kGolden;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

double uniform(std::uint64_t counter) {
  return (static_cast<double>(mixed(counter) >> 11) + 0.5) * 0x1.0p-53;
}

}  // namespace

void window_noise(std::uint64_t seed, std::int64_t window, int step, std::span<float> out) {
  const std::uint64_t stream =
      mixed(seed * kGolden + (static_cast<std::uint64_t>(window) << 16) + static_cast<std::uint64_t>(step));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double radius = std::sqrt(-2 * std::log(uniform(stream + 2 * i)));
    out[i] = static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform(stream + 2 * i + 1)));
  }
}

}  // namespace talkrt::motion
