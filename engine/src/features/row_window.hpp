// SPDX-License-Identifier: Apache-2.0
//
// The rows around a frame, as the audio networks of trained avatars want them: [before + after, channels,
// place in the row], zeros before the speech and after it.
#pragma once

#include "engine/src/device/budget.hpp"
#include "engine/src/features/row_source.hpp"
#include "engine/src/plan/avatar_spec.hpp"

namespace talkrt::features {

class RowWindow {
 public:
  /// `ahead`: rows that may be ready beyond what a frame needs.
  RowWindow(const plan::RowFeatures& spec, std::int64_t ahead, device::Budget& budget);

  /// Takes all rows that are ready.
  void collect(RowSource& source);
  /// The window of frame `row`. Frames only ascend.
  void copy(std::int64_t row, std::span<float> out) const;
  /// Speech begins with row `row`.
  void restart(std::int64_t row) { first_ = next_ = row; }

 private:
  [[nodiscard]] std::span<float> slot(std::int64_t row) const;

  int channels_, width_, before_, after_;
  std::int64_t slots_;
  device::Buffer memory_;              // [slots, width, channels], a ring
  std::int64_t first_ = 0, next_ = 0;  // of the speech; to be taken
};

}  // namespace talkrt::features
