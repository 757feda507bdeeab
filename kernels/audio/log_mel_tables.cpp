// SPDX-License-Identifier: Apache-2.0
#include "kernels/audio/log_mel_tables.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/audio/real_fft.hpp"

namespace talkrt::audio {
namespace {

// Slaney's scale (Auditory Toolbox): 3 mels for 200 Hz up to 1 kHz, above it 27 mels for a factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;

double hz_to_mel(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp((mel - kBreakMel) * kLogStep);
}

/// One triangle over frequency; its area in Hz is 1.
struct Filter {
  double low, centre, high;  // Hz

  [[nodiscard]] double weight(double hz) const {
    const double rise = (hz - low) / (centre - low), fall = (high - hz) / (high - centre);
    return std::max(0.0, std::min(rise, fall)) * 2.0 / (high - low);
  }
};

Filter filter(const LogMelSpec& spec, int mel) {
  const double first = hz_to_mel(spec.f_min), last = hz_to_mel(spec.f_max);
  const auto edge = [&](int i) { return mel_to_hz(first + (last - first) * i / (spec.mels + 1)); };
  return {edge(mel), edge(mel + 1), edge(mel + 2)};
}

double bin_hz(const LogMelSpec& spec, int bin) {
  return static_cast<double>(bin) * spec.sample_rate / spec.fft_size;
}

/// Bins strictly inside a filter: [first, first + count).
struct Bins {
  int first, count;
};

Bins bins_of(const LogMelSpec& spec, const Filter& f) {
  int first = 0;
  while (first <= spec.fft_size / 2 && bin_hz(spec, first) <= f.low) ++first;
  int end = first;
  while (end <= spec.fft_size / 2 && bin_hz(spec, end) < f.high) ++end;
  return {first, end - first};
}

}  // namespace

LogMelLayout log_mel_layout(const LogMelSpec& spec) {
  LogMelLayout layout{};
  layout.fft = static_cast<std::size_t>(spec.window);
  layout.spans = layout.fft + real_fft_table_size(spec.fft_size);
  layout.weights = layout.spans + 2 * static_cast<std::size_t>(spec.mels);
  layout.end = layout.weights;
  for (int mel = 0; mel < spec.mels; ++mel) {
    layout.end += static_cast<std::size_t>(bins_of(spec, filter(spec, mel)).count);
  }
  return layout;
}

std::size_t log_mel_table_size(const LogMelSpec& spec) { return log_mel_layout(spec).end; }

void log_mel_tables(const LogMelSpec& spec, std::span<double> tables) {
  const LogMelLayout layout = log_mel_layout(spec);
  for (int t = 0; t < spec.window; ++t) {  // periodic: the next period's first sample is left out
    tables[static_cast<std::size_t>(t)] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * t / spec.window);
  }
  real_fft_tables(spec.fft_size, tables.subspan(layout.fft, layout.spans - layout.fft));

  double* spans = tables.data() + layout.spans;
  double* weights = tables.data() + layout.weights;
  for (int mel = 0; mel < spec.mels; ++mel) {
    const Filter triangle = filter(spec, mel);
    const Bins bins = bins_of(spec, triangle);
    *spans++ = static_cast<double>(bins.first);
    *spans++ = static_cast<double>(bins.count);
    for (int i = 0; i < bins.count; ++i) {
      *weights++ = triangle.weight(bin_hz(spec, bins.first + i));
    }
  }
}

}  // namespace talkrt::audio
