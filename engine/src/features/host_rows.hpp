// SPDX-License-Identifier: Apache-2.0
//
// Rows that the host has: the stream is their floats, row after row.
#pragma once

#include "engine/src/device/budget.hpp"
#include "engine/src/features/row_source.hpp"

namespace talkrt::features {

class HostRows final : public RowSource {
 public:
  HostRows(std::size_t row_floats, device::Budget& budget);

  [[nodiscard]] std::size_t row_floats() const noexcept override { return row_floats_; }
  [[nodiscard]] bool takes_rows() const noexcept override { return true; }
  [[nodiscard]] std::int64_t audio_end(std::int64_t row) const override {
    return (row + 1) * static_cast<std::int64_t>(row_floats_);
  }
  void feed(std::span<const float> stream) override;
  void finish() override {}
  [[nodiscard]] std::int64_t ready() const noexcept override;
  void take(std::span<float> row) override;
  void restart(std::int64_t row) override;

 private:
  std::size_t row_floats_;
  device::Buffer memory_;             // a ring of what was fed and not taken
  std::size_t capacity_;              // floats
  std::int64_t fed_ = 0, taken_ = 0;  // in the stream
};

}  // namespace talkrt::features
