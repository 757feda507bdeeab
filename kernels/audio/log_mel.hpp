// SPDX-License-Identifier: Apache-2.0
//
// One log-mel row from one window of samples. Definition: export/FORMAT.md section 2.
//
// Computed in double: beside a loud tone, a float transform's rounding noise shows in the nearly empty
// filters, up to 3e-4 in the logarithm. A row is wanted every hop, so the doubled cost is not seen.
#pragma once

#include <cstddef>
#include <span>

namespace talkrt::audio {

struct LogMelSpec {
  int sample_rate = 16000;  // Hz
  int fft_size = 512;       // power of two, >= window
  int window = 400;         // samples
  int hop = 160;            // samples
  int mels = 80;
  float f_min = 60.0f, f_max = 7600.0f;  // Hz
  float floor = 1e-5f;                   // added to the filter energy before the log
};

/// Doubles that log_mel_tables fills: window, FFT twiddles, filters.
std::size_t log_mel_table_size(const LogMelSpec& spec);
void log_mel_tables(const LogMelSpec& spec, std::span<double> tables);

/// Doubles of scratch that log_mel_cpu needs.
std::size_t log_mel_scratch_size(const LogMelSpec& spec);

/// samples [window] -> row [mels].
void log_mel_cpu(const LogMelSpec& spec, std::span<const double> tables, std::span<const float> samples,
                 std::span<float> row, std::span<double> scratch);

}  // namespace talkrt::audio
