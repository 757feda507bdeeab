// SPDX-License-Identifier: Apache-2.0
//
// Rows of audio features, whoever makes them: an encoder from samples, or the host, who has them cached.
//
// Row r belongs to the position of video frame r at the plan's own rate. A row is [row_width, channels], as
// feature files store it. Rows are numbered from the beginning of the session; what lies before the first
// row of a speech or after its last is zeros, which the consumer puts there itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace talkrt::features {

inline constexpr std::size_t kMostFed = 1024;  // floats at once

class RowSource {
 public:
  virtual ~RowSource() = default;

  [[nodiscard]] virtual std::size_t row_floats() const noexcept = 0;

  /// Whether the stream is rows that the host has, not samples.
  [[nodiscard]] virtual bool takes_rows() const noexcept { return false; }

  /// Position in the stream of floats up to which must have been fed before row `row` is ready. Never falls
  /// as `row` grows.
  [[nodiscard]] virtual std::int64_t audio_end(std::int64_t row) const = 0;

  /// At most kMostFed floats that follow in the stream: samples, or for rows of the host the rows' own
  /// floats. Takes all of them, or throws BACKEND_FAILED. Rows that are ready then are taken before the next.
  virtual void feed(std::span<const float> stream) = 0;

  /// Nothing follows: rows that only waited for more become ready now, and there will be no others.
  virtual void finish() = 0;

  /// The number of the first row that is not ready.
  [[nodiscard]] virtual std::int64_t ready() const noexcept = 0;

  /// Copies the next row, which is ready.
  virtual void take(std::span<float> row) = 0;

  /// Forgets everything. The next float fed is of the position of row `row`, which is the next one taken.
  virtual void restart(std::int64_t row) = 0;
};

}  // namespace talkrt::features
