// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/encoder_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

namespace talkrt::features {
namespace {

plan::RowFeatures features(int row_width, int lead, int before, int step, int after) {
  plan::RowFeatures rows;
  rows.channels = 2;
  rows.row_width = row_width;
  rows.encoder = plan::EncoderSpec{"encoder", before, step, after, lead};
  return rows;
}

/// In place of a network: a vector is the sum of its 400 samples, and the sum of the whole window.
std::vector<float> encoded(std::span<const float> window, const plan::EncoderSpec& spec) {
  std::vector<float> out;
  const float whole = std::accumulate(window.begin(), window.end(), 0.0f);
  for (int at = spec.before; at < spec.before + spec.step; at += 320) {
    const auto mine = window.subspan(static_cast<std::size_t>(at), 400);
    out.insert(out.end(), {std::accumulate(mine.begin(), mine.end(), 0.0f), whole});
  }
  return out;
}

class Sums final : public nn::Instance {
 public:
  explicit Sums(const plan::EncoderSpec& spec)
      : spec_(spec),
        window_(static_cast<std::size_t>(spec.samples())),
        vectors_(static_cast<std::size_t>(spec.step / 320 * 2)) {}
  std::span<float> input(std::string_view) override { return window_; }
  std::span<const float> output(std::string_view) const override { return vectors_; }
  void execute() override {
    const auto made = encoded(window_, spec_);
    std::copy(made.begin(), made.end(), vectors_.begin());
  }
  void warm() override {}
  void reset() override {}
  std::size_t bytes() const noexcept override { return 0; }

 private:
  plan::EncoderSpec spec_;
  std::vector<float> window_, vectors_;
};

/// The rows of a whole speech, as section 8.5 of the format has them.
std::vector<float> expected_rows(const plan::RowFeatures& rows, std::span<const float> speech) {
  const plan::EncoderSpec& spec = *rows.encoder;
  const auto samples = static_cast<int>(speech.size());
  const int count = (samples + 319) / 320;
  std::vector<float> vectors;
  for (int begin = 0; begin < count * 320; begin += spec.step) {
    std::vector<float> window;
    for (int at = begin - spec.before; at < begin + spec.step + spec.after; ++at) {
      window.push_back(at >= 0 && at < samples ? speech[static_cast<std::size_t>(at)] : 0.0f);
    }
    const auto made = encoded(window, spec);
    vectors.insert(vectors.end(), made.begin(), made.end());
  }
  std::vector<float> out;
  for (int row = 0; row * 640 < samples; ++row) {
    for (int w = 0; w < rows.row_width; ++w) {
      const int v = 2 * row - spec.lead + w;
      for (int c = 0; c < 2; ++c) {
        out.push_back(v >= 0 && v < count ? vectors[static_cast<std::size_t>(2 * v + c)] : 0.0f);
      }
    }
  }
  return out;
}

std::vector<float> speech_of(std::size_t samples) {
  std::vector<float> speech(samples);
  for (std::size_t i = 0; i < samples; ++i) speech[i] = static_cast<float>((i * 37 + i / 320) % 64) / 64;
  return speech;
}

/// Feeds what each row asks for and no more, `piece` samples at a time, and takes the row.
std::vector<float> streamed(EncoderRows& source, std::span<const float> speech, std::size_t piece,
                            std::int64_t first_row) {
  std::vector<float> out, row(source.row_floats());
  auto rest = speech;
  std::int64_t fed = first_row * 640;
  for (std::int64_t r = first_row; (r - first_row) * 640 < static_cast<std::int64_t>(speech.size()); ++r) {
    while (fed < source.audio_end(r) && !rest.empty()) {
      EXPECT_LE(source.ready(), r) << "ready before audio_end said so";
      const auto wanted = static_cast<std::size_t>(source.audio_end(r) - fed);
      const auto part = rest.first(std::min({piece, rest.size(), wanted, kMostFed}));
      source.feed(part);
      rest = rest.subspan(part.size());
      fed += static_cast<std::int64_t>(part.size());
    }
    if (rest.empty() && fed < source.audio_end(r)) source.finish();
    EXPECT_GT(source.ready(), r);
    source.take(row);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

struct Shape {
  int row_width, lead, before, step, after;
};

class EncoderRowsOf : public testing::TestWithParam<Shape> {
 protected:
  const plan::RowFeatures rows =
      features(GetParam().row_width, GetParam().lead, GetParam().before, GetParam().step, GetParam().after);
  device::Budget budget{"test", 0};
  EncoderRows source{rows, std::make_unique<Sums>(*rows.encoder), budget};
};

TEST_P(EncoderRowsOf, speech_has_the_same_rows_for_any_split_and_after_any_restart) {
  std::int64_t first = 0;
  for (const std::size_t samples : {1u, 639u, 640u, 9000u, 20'001u}) {
    const auto speech = speech_of(samples);
    const auto expected = expected_rows(rows, speech);
    for (const std::size_t piece : {7u, 1000u, 1024u}) {
      EXPECT_EQ(streamed(source, speech, piece, first), expected) << samples << " in pieces of " << piece;
      first += 1000;
      source.restart(first);
    }
  }
}

TEST_P(EncoderRowsOf, no_row_waits_longer_than_the_look_ahead_and_some_row_that_long) {
  std::int64_t most = 0;
  for (std::int64_t r = 50; r < 200; ++r) most = std::max(most, source.audio_end(r) - 640 * r);
  EXPECT_EQ(most, encoder_look_ahead(rows));
}

INSTANTIATE_TEST_SUITE_P(Windows, EncoderRowsOf,
                         testing::Values(Shape{2, 0, 3200, 640, 80}, Shape{2, 0, 640, 6400, 4800},
                                         Shape{16, 8, 3200, 2560, 3200}, Shape{1, 1, 0, 640, 320}));

}  // namespace
}  // namespace talkrt::features
