// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/heard_windows.hpp"

#include <algorithm>

namespace talkrt::motion {

HeardWindows::HeardWindows(std::size_t samples, std::size_t rows, device::Budget& budget) {
  for (Window& window : windows_) {
    window.samples = device::Buffer(budget, "speech heard last", samples * sizeof(float));
    window.rows = device::Buffer(budget, "speech heard last", rows * sizeof(float));
  }
}

bool HeardWindows::find(std::span<const float> samples, std::span<float> rows) const {
  const std::lock_guard lock(mutex_);
  for (const Window& window : windows_) {
    const std::span<const float> known = window.samples.as<const float>();
    if (!window.used || !std::equal(known.begin(), known.end(), samples.begin(), samples.end())) continue;
    const std::span<const float> made = window.rows.as<const float>();
    std::copy(made.begin(), made.end(), rows.begin());
    return true;
  }
  return false;
}

void HeardWindows::put(std::span<const float> samples, std::span<const float> rows) {
  const std::lock_guard lock(mutex_);
  Window& window = windows_[next_];
  next_ = (next_ + 1) % windows_.size();
  std::copy(samples.begin(), samples.end(), window.samples.as<float>().begin());
  std::copy(rows.begin(), rows.end(), window.rows.as<float>().begin());
  window.used = true;
}

}  // namespace talkrt::motion
