// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/audio/log_mel.hpp"
#include "kernels/audio/log_mel_tables.hpp"
#include "kernels/audio/real_fft.hpp"

namespace talkrt::audio {

std::size_t log_mel_scratch_size(const LogMelSpec& spec) {
  const auto size = static_cast<std::size_t>(spec.fft_size);
  return size + (size / 2 + 1) + real_fft_scratch_size(spec.fft_size);
}

void log_mel_cpu(const LogMelSpec& spec, std::span<const double> tables, std::span<const float> samples,
                 std::span<float> row, std::span<double> scratch) {
  const auto size = static_cast<std::size_t>(spec.fft_size);
  const auto window = static_cast<std::size_t>(spec.window);
  const std::size_t spans_at = window + real_fft_table_size(spec.fft_size);

  const std::span<double> signal = scratch.first(size);
  const std::span<double> power = scratch.subspan(size, size / 2 + 1);
  for (std::size_t t = 0; t < window; ++t) signal[t] = samples[t] * tables[t];
  std::fill(signal.begin() + spec.window, signal.end(), 0.0);
  real_fft_power(spec.fft_size, tables.subspan(window), signal, power, scratch.subspan(size + size / 2 + 1));

  const double* span = tables.data() + spans_at;
  const double* weight = span + 2 * static_cast<std::size_t>(spec.mels);
  for (float& value : row.first(static_cast<std::size_t>(spec.mels))) {
    const double* bin = power.data() + static_cast<std::size_t>(span[0]);
    const auto bins = static_cast<std::size_t>(span[1]);
    double energy = 0.0;
    for (std::size_t i = 0; i < bins; ++i) energy += weight[i] * bin[i];
    value = static_cast<float>(std::log(energy + spec.floor));
    weight += bins;
    span += 2;
  }
}

}  // namespace talkrt::audio
