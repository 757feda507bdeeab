// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/encoder_rows.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace talkrt::features {
namespace {

constexpr std::int64_t kVector = 320, kRow = 640;  // samples
constexpr std::int64_t kVectorsPerRow = kRow / kVector;

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit; }

/// Of row i of a speech, the last vector that it needs; negative for none.
std::int64_t last_vector(std::int64_t row, std::int64_t row_width, std::int64_t lead) {
  return kVectorsPerRow * row - lead + row_width - 1;
}

/// Samples of the speech that must be there for the vector.
std::int64_t needed(std::int64_t vector, const plan::EncoderSpec& spec) {
  if (vector < 0) return 0;
  return (vector * kVector / spec.step + 1) * spec.step + spec.after;
}

/// Vectors that wait to be taken at most: those of a row, of the runs that one feed completes, and of those
/// that finish() adds for what was fed and not looked at.
std::int64_t capacity(const plan::EncoderSpec& spec, std::int64_t row_width) {
  const std::int64_t runs = rounded_up(static_cast<std::int64_t>(kMostFed), spec.step) + 1 +
                            rounded_up(spec.step + spec.after, spec.step);
  return std::max(row_width, row_width + spec.lead) + runs * (spec.step / kVector);
}

}  // namespace

std::int64_t encoder_look_ahead(const plan::RowFeatures& rows) {
  const plan::EncoderSpec& spec = *rows.encoder;
  std::int64_t most = 0;
  for (std::int64_t row = 0; row < spec.step / kRow; ++row) {
    // A later row, so that none of its vectors lies before the speech.
    const std::int64_t i = row + spec.step / kRow * (1 + spec.lead);
    most = std::max(most, needed(last_vector(i, rows.row_width, spec.lead), spec) - i * kRow);
  }
  return most;
}

EncoderRows::EncoderRows(const plan::RowFeatures& rows, std::unique_ptr<nn::Instance> graph,
                         device::Budget& budget)
    : spec_(*rows.encoder),
      row_width_(static_cast<std::size_t>(rows.row_width)),
      channels_(static_cast<std::size_t>(rows.channels)),
      graph_(std::move(graph)),
      window_(graph_->input("samples")),
      made_(graph_->output("vectors")),
      memory_(budget, "vectors of the encoder",
              static_cast<std::size_t>(capacity(spec_, rows.row_width)) * channels_ * sizeof(float)),
      capacity_(capacity(spec_, rows.row_width)) {
  graph_->run();
  restart(0);
}

std::int64_t EncoderRows::audio_end(std::int64_t row) const {
  const std::int64_t mine = row - first_row_;
  const std::int64_t vector = last_vector(mine, static_cast<std::int64_t>(row_width_), spec_.lead);
  return first_row_ * kRow + (mine < 0 ? 0 : needed(vector, spec_));
}

void EncoderRows::feed(std::span<const float> samples) {
  fed_ += static_cast<std::int64_t>(samples.size());
  append(samples);
}

void EncoderRows::finish() {
  if (end_ >= 0) return;
  end_ = rounded_up(fed_, kVector);
  static constexpr std::array<float, 512> kSilence{};
  while (vectors_ < end_) {
    const auto missing = window_.size() - static_cast<std::size_t>(filled_);
    append(std::span(kSilence).first(std::min(missing, kSilence.size())));
  }
}

void EncoderRows::append(std::span<const float> samples) {
  while (!samples.empty()) {
    const auto at = static_cast<std::size_t>(filled_);
    const std::size_t taken = std::min(samples.size(), window_.size() - at);
    std::copy_n(samples.begin(), taken, window_.begin() + filled_);
    samples = samples.subspan(taken);
    filled_ += static_cast<std::int64_t>(taken);
    if (static_cast<std::size_t>(filled_) < window_.size()) return;
    run();
    std::copy(window_.begin() + spec_.step, window_.end(), window_.begin());
    filled_ -= spec_.step;
  }
}

void EncoderRows::run() {
  const std::int64_t oldest = std::max<std::int64_t>(kVectorsPerRow * row_ - spec_.lead, 0);
  const std::int64_t count = spec_.step / kVector;
  if (vectors_ + count - oldest > capacity_) {
    throw std::logic_error("rows of the encoder are fed faster than they are taken");
  }
  graph_->run();
  const auto ring = memory_.as<float>();
  for (std::int64_t v = 0; v < count; ++v) {
    const auto from = made_.subspan(static_cast<std::size_t>(v) * channels_, channels_);
    const auto to = static_cast<std::size_t>((vectors_ + v) % capacity_) * channels_;
    std::copy(from.begin(), from.end(), ring.begin() + static_cast<std::ptrdiff_t>(to));
  }
  vectors_ += count;
}

std::int64_t EncoderRows::ready() const noexcept {
  if (end_ >= 0) return first_row_ + rounded_up(end_, kVectorsPerRow);
  const std::int64_t whole = vectors_ + spec_.lead - static_cast<std::int64_t>(row_width_);
  return first_row_ + (whole < 0 ? 0 : whole / kVectorsPerRow + 1);
}

void EncoderRows::take(std::span<float> row) {
  const auto ring = memory_.as<float>();
  const std::int64_t end = end_ >= 0 ? std::min(end_, vectors_) : vectors_;
  auto to = row.begin();
  std::int64_t vector = kVectorsPerRow * row_++ - spec_.lead;
  for (std::size_t w = 0; w < row_width_; ++w, ++vector, to += static_cast<std::ptrdiff_t>(channels_)) {
    if (vector < 0 || vector >= end) {
      std::fill_n(to, channels_, 0.0f);
    } else {
      const auto at = static_cast<std::size_t>(vector % capacity_) * channels_;
      std::copy_n(ring.begin() + static_cast<std::ptrdiff_t>(at), channels_, to);
    }
  }
}

void EncoderRows::restart(std::int64_t row) {
  first_row_ = row;
  row_ = fed_ = vectors_ = 0;
  end_ = -1;
  std::fill_n(window_.begin(), spec_.before, 0.0f);
  filled_ = spec_.before;
}

}  // namespace talkrt::features
