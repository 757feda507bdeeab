// SPDX-License-Identifier: Apache-2.0
//
// Samples in, log-mel rows out, in any chunking with the same result: row m is samples
// [m * hop, m * hop + window) of the stream, whatever the pushes were.
#pragma once

#include <cstdint>
#include <span>

#include "engine/src/device/budget.hpp"
#include "kernels/audio/log_mel.hpp"

namespace talkrt::features {

class LogMelStream {
 public:
  LogMelStream(const audio::LogMelSpec& spec, device::Budget& budget);

  /// Samples still missing before the next row is complete; 0: next_row may be called.
  [[nodiscard]] int samples_needed() const noexcept;
  /// Takes at most samples_needed() samples and returns how many it took.
  std::size_t push(std::span<const float> samples) noexcept;
  /// Writes the next row [mels] and advances by one hop.
  void next_row(std::span<float> row) noexcept;
  /// Starts over, as at the first sample of a stream.
  void reset() noexcept;
  [[nodiscard]] const audio::LogMelSpec& spec() const noexcept { return spec_; }

 private:
  audio::LogMelSpec spec_;
  device::Buffer tables_, scratch_, window_;
  int filled_ = 0;  // samples in window_
};

}  // namespace talkrt::features
