// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/track.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <string>

namespace talkrt::motion {
namespace {

constexpr float kClosed = 2;  // AU 45 where both programs cut it off: shut
constexpr std::size_t kUnits = 6, kEyeCode = 32;

}  // namespace

void Track::copy(std::string_view tensor, int frame, std::span<float> values) const {
  const std::byte* rows = plan_->find(tensor)->bytes.data();
  std::memcpy(values.data(), rows + static_cast<std::size_t>(frame) * values.size_bytes(),
              values.size_bytes());
}

std::vector<float> Track::cameras() const {
  std::vector<float> out(static_cast<std::size_t>(frames_) * 16);
  copy("gaussian/track/viewmats", 0, out);
  return out;
}

void Track::play(std::string_view input, int frame, std::span<float> values) const {
  // Looked up by a name on the stack: a frame takes nothing from the heap.
  constexpr std::string_view kPrefix = "gaussian/track/";
  std::array<char, 256> name{};
  const auto end = std::copy(kPrefix.begin(), kPrefix.end(), name.begin());
  std::copy(input.begin(), input.end(), end);
  copy({name.data(), kPrefix.size() + input.size()}, frame, values);
}

void add_blink(std::string_view input, float blink, std::span<float> values) {
  if (blink == 0) return;
  if (input == "action_units" && values.size() == kUnits) {
    values.back() = std::clamp(values.back() + kClosed * blink, 0.0f, kClosed);
  } else if (input == "eye" && values.size() == kEyeCode) {
    // Sines and cosines of the eye times 10000^(2 floor(i / 2) / 32); the first is the sine of the eye
    // itself.
    const double eye = std::asin(std::clamp(static_cast<double>(values[0]), -1.0, 1.0));
    const double shut = std::clamp(eye + static_cast<double>(blink), 0.0, 1.0);
    for (std::size_t i = 0; i < kEyeCode; ++i) {
      const auto rate = static_cast<double>(std::pow(10000.0f, static_cast<float>(i - i % 2) / 32.0f));
      values[i] = static_cast<float>(i % 2 == 0 ? std::sin(shut * rate) : std::cos(shut * rate));
    }
  }
}

}  // namespace talkrt::motion
