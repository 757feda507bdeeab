// SPDX-License-Identifier: Apache-2.0
//
// What a network heard in the last few windows of speech, for sessions of one model that are fed the same
// clip: several portraits speak it for one hearing. From any thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <span>

#include "engine/src/device/budget.hpp"

namespace talkrt::motion {

class HeardWindows {
 public:
  /// Numbers in a window's speech and in what is made of it.
  HeardWindows(std::size_t samples, std::size_t rows, device::Budget& budget);

  /// Fills `rows` if exactly this speech was heard.
  bool find(std::span<const float> samples, std::span<float> rows) const;
  /// Forgets the window that was put in first.
  void put(std::span<const float> samples, std::span<const float> rows);

 private:
  static constexpr std::size_t kKept = 4;
  struct Window {
    device::Buffer samples, rows;
    bool used = false;
  };

  mutable std::mutex mutex_;
  std::array<Window, kKept> windows_;
  std::size_t next_ = 0;
};

}  // namespace talkrt::motion
