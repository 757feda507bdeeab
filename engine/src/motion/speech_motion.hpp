// SPDX-License-Identifier: Apache-2.0
//
// Speech features in, rows of mouth motion out: runs the plan's motion graph window by window. Row m of
// the stream describes stream position grid.time(m), whatever was dropped before it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/src/motion/motion_frame.hpp"
#include "engine/src/motion/row_grid.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

struct SpeechRow {
  MotionFrame frame;  // only coefficients that speech drives
  float closure = 0;  // probability that speech closes the lips
  float energy = 0;   // 0 to 1
};

class SpeechMotion {
 public:
  /// Holds up to `capacity` rows between push and pop.
  SpeechMotion(const plan::Manifest& manifest, std::unique_ptr<nn::Instance> graph, std::size_t capacity);

  /// Where the next feature row goes; then call push(), which runs the graph when a window is full.
  [[nodiscard]] std::span<float> next_features();
  void push();

  /// Rows before first_row() are gone, rows from end_row() on are still to come.
  [[nodiscard]] std::int64_t first_row() const noexcept { return end_ - static_cast<std::int64_t>(held_); }
  [[nodiscard]] std::int64_t end_row() const noexcept { return end_; }
  [[nodiscard]] const SpeechRow& row(std::int64_t index) const;
  void drop_before(std::int64_t index);

  /// Starts over with features whose first sample is at stream position first_row * step; rows before
  /// `keep_from` are computed, since the graph remembers, and not kept.
  void restart(std::int64_t first_row, std::int64_t keep_from);

  [[nodiscard]] const RowGrid& grid() const noexcept { return grid_; }
  [[nodiscard]] const nn::Instance& network() const noexcept { return *graph_; }

 private:
  struct Drive {
    std::size_t output;
    Channel channel;
  };

  void read_outputs(SpeechRow& row) const;

  RowGrid grid_;
  int window_rows_;
  std::vector<Drive> drives_;
  std::unique_ptr<nn::Instance> graph_;
  std::span<float> features_;
  std::span<const float> coefficients_, closure_, energy_;
  int filled_ = 0;               // feature rows of the window
  std::vector<SpeechRow> rows_;  // ring; row i is at i mod size
  std::int64_t end_ = 0, keep_from_ = 0;
  std::size_t held_ = 0;
};

}  // namespace talkrt::motion
