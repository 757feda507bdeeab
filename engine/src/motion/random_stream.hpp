// SPDX-License-Identifier: Apache-2.0
//
// Counter-based random numbers: draw i of a stream is a hash of (seed, stream, i). Streams do not disturb
// one another, so more blinks never change how the head moves.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace talkrt::motion {

enum class Stream : std::uint64_t { blink = 1, gaze, head, accent, breath, drift };

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Stream stream)
      : key_(mix(mix(seed) + kGolden * static_cast<std::uint64_t>(stream))) {}

  /// In [0, 1).
  double uniform() { return static_cast<double>(mix(key_ + kGolden * ++count_) >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;

  // The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

  std::uint64_t key_, count_ = 0;
};

}  // namespace talkrt::motion
