// SPDX-License-Identifier: Apache-2.0
#include "kernels/audio/real_fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

namespace talkrt::audio {
namespace {

std::vector<double> power_of(int size, const std::vector<double>& signal) {
  std::vector<double> tables(real_fft_table_size(size)), scratch(real_fft_scratch_size(size));
  std::vector<double> power(static_cast<std::size_t>(size / 2 + 1));
  real_fft_tables(size, tables);
  real_fft_power(size, tables, signal, power, scratch);
  return power;
}

class RealFftSizes : public testing::TestWithParam<int> {};

TEST_P(RealFftSizes, equal_the_sum_of_the_definition) {
  const int size = GetParam();
  std::mt19937 random(9);
  std::normal_distribution<double> normal;
  std::vector<double> signal(static_cast<std::size_t>(size));
  for (double& value : signal) value = normal(random);

  const auto power = power_of(size, signal);
  for (int k = 0; k <= size / 2; ++k) {
    std::complex<double> sum = 0;
    for (int t = 0; t < size; ++t) {
      sum += signal[static_cast<std::size_t>(t)] *
             std::polar(1.0, -2.0 * std::numbers::pi * (k * t % size) / size);
    }
    // Power of a bin is about `size` here.
    EXPECT_NEAR(power[static_cast<std::size_t>(k)], std::norm(sum), 1e-12 * size) << "bin " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(RealFft, RealFftSizes,
                         testing::Values(2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048));

TEST(RealFft, puts_a_cosine_into_its_bin) {
  std::vector<double> signal(512);
  for (std::size_t t = 0; t < 512; ++t) {
    signal[t] = std::cos(2.0 * std::numbers::pi * 37.0 * static_cast<double>(t) / 512.0);
  }
  const auto power = power_of(512, signal);
  for (std::size_t k = 0; k <= 256; ++k) EXPECT_NEAR(power[k], k == 37 ? 65536.0 : 0.0, 1e-9) << "bin " << k;
}

}  // namespace
}  // namespace talkrt::audio
