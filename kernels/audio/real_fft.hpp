// SPDX-License-Identifier: Apache-2.0
//
// Power spectrum of a real signal whose length is a power of two.
#pragma once

#include <cstddef>
#include <span>

namespace talkrt::audio {

/// Floats that real_fft_tables fills: twiddle factors, computed in double.
std::size_t real_fft_table_floats(int size);
void real_fft_tables(int size, std::span<float> tables);

/// Floats of scratch that real_fft_power needs.
std::size_t real_fft_scratch_floats(int size);

/// signal [size] -> power [size / 2 + 1], |X_k|^2 of X_k = sum_t x_t exp(-2 pi i k t / size). size >= 2.
void real_fft_power(int size, std::span<const float> tables, std::span<const float> signal,
                    std::span<float> power, std::span<float> scratch);

}  // namespace talkrt::audio
