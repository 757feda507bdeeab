// SPDX-License-Identifier: Apache-2.0
//
// Power spectrum of a real signal whose length is a power of two.
#pragma once

#include <cstddef>
#include <span>

namespace talkrt::audio {

/// Doubles that real_fft_tables fills: twiddle factors.
std::size_t real_fft_table_size(int size);
void real_fft_tables(int size, std::span<double> tables);

/// Doubles of scratch that real_fft_power needs.
std::size_t real_fft_scratch_size(int size);

/// signal [size] -> power [size / 2 + 1], |X_k|^2 of X_k = sum_t x_t exp(-2 pi i k t / size). size >= 2.
void real_fft_power(int size, std::span<const double> tables, std::span<const double> signal,
                    std::span<double> power, std::span<double> scratch);

}  // namespace talkrt::audio
