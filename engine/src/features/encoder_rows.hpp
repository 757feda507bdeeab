// SPDX-License-Identifier: Apache-2.0
//
// Rows that a graph of the plan makes from samples, window by window (export/FORMAT.md, section 8.5). A row
// depends on the samples around it alone, never on how they were fed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/src/device/budget.hpp"
#include "engine/src/features/row_source.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/plan/avatar_spec.hpp"

namespace talkrt::features {

/// Samples beyond a row's own position that it may have to wait for.
[[nodiscard]] std::int64_t encoder_look_ahead(const plan::RowFeatures& rows);

class EncoderRows final : public RowSource {
 public:
  /// `rows` has an encoder, `graph` is an instance of its graph. Runs the graph once, so that the back end
  /// allocates now and not in a frame.
  EncoderRows(const plan::RowFeatures& rows, std::unique_ptr<nn::Instance> graph, device::Budget& budget);

  [[nodiscard]] std::size_t row_floats() const noexcept override { return row_width_ * channels_; }
  [[nodiscard]] std::int64_t audio_end(std::int64_t row) const override;
  void feed(std::span<const float> samples) override;
  void finish() override;
  [[nodiscard]] std::int64_t ready() const noexcept override;
  void take(std::span<float> row) override;
  void restart(std::int64_t row) override;

 private:
  void append(std::span<const float> samples);
  void run();

  plan::EncoderSpec spec_;
  std::size_t row_width_, channels_;
  std::unique_ptr<nn::Instance> graph_;
  std::span<float> window_;
  std::span<const float> made_;
  device::Buffer memory_;              // [capacity_, channels], a ring of vectors
  std::int64_t capacity_;              // vectors
  std::int64_t first_row_ = 0;         // of this speech
  std::int64_t row_ = 0;               // taken next, from first_row_ on
  std::int64_t fed_ = 0, filled_ = 0;  // samples of this speech; of those in the window, its zeros too
  std::int64_t vectors_ = 0;           // of this speech that there are
  std::int64_t end_ = -1;              // vectors of the whole speech, once it has ended
};

}  // namespace talkrt::features
