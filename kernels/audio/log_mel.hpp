// SPDX-License-Identifier: Apache-2.0
//
// One log-mel row from one window of samples. Definition: export/FORMAT.md section 2.
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

/// Floats that log_mel_tables fills: window, FFT twiddles, filters.
std::size_t log_mel_table_floats(const LogMelSpec& spec);
void log_mel_tables(const LogMelSpec& spec, std::span<float> tables);

/// Floats of scratch that log_mel_cpu needs.
std::size_t log_mel_scratch_floats(const LogMelSpec& spec);

/// samples [window] -> row [mels].
void log_mel_cpu(const LogMelSpec& spec, std::span<const float> tables, std::span<const float> samples,
                 std::span<float> row, std::span<float> scratch);

}  // namespace talkrt::audio
