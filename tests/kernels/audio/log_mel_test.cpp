// SPDX-License-Identifier: Apache-2.0
//
// Against rows that the float64 NumPy oracle computed (log_mel_golden.py beside this file).
#include "kernels/audio/log_mel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace talkrt::audio {
namespace {

struct Golden {
  std::vector<float> signal, rows;
};

template <class T>
std::vector<T> read(std::ifstream& file, std::size_t count) {
  std::vector<T> values(count);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
  EXPECT_TRUE(file.good());
  return values;
}

std::vector<Golden> golden() {
  std::ifstream file(TALKRT_TEST_DATA "/golden/log_mel.bin", std::ios::binary);
  std::vector<Golden> all(static_cast<std::size_t>(read<std::int32_t>(file, 1)[0]));
  for (Golden& one : all) {
    const auto size = read<std::int32_t>(file, 2);
    one.signal = read<float>(file, static_cast<std::size_t>(size[0]));
    one.rows = read<float>(file, static_cast<std::size_t>(size[1]) * 80);
  }
  return all;
}

class LogMel {
 public:
  explicit LogMel(const LogMelSpec& spec)
      : spec_(spec), tables_(log_mel_table_size(spec)), scratch_(log_mel_scratch_size(spec)) {
    log_mel_tables(spec, tables_);
  }
  std::vector<float> row(std::span<const float> samples) {
    std::vector<float> result(static_cast<std::size_t>(spec_.mels));
    log_mel_cpu(spec_, tables_, samples, result, scratch_);
    return result;
  }

 private:
  LogMelSpec spec_;
  std::vector<double> tables_, scratch_;
};

TEST(LogMelCpu, equals_the_float64_oracle_to_the_last_bits_of_a_float) {
  LogMel log_mel({});
  const auto all = golden();
  ASSERT_EQ(all.size(), 8u);
  for (std::size_t s = 0; s < all.size(); ++s) {
    ASSERT_EQ(all[s].rows.size(), 12u * 80);
    float worst = 0;
    for (std::size_t m = 0; m < 12; ++m) {
      const auto row = log_mel.row(std::span(all[s].signal).subspan(m * 160, 400));
      for (std::size_t k = 0; k < 80; ++k)
        worst = std::max(worst, std::abs(row[k] - all[s].rows[m * 80 + k]));
    }
    EXPECT_LE(worst, 5e-6f) << "signal " << s;
    RecordProperty("worst_" + std::to_string(s), std::to_string(worst));
  }
}

TEST(LogMelCpu, a_sine_peaks_in_the_filter_around_it) {
  LogMel log_mel({});
  std::vector<float> sine(400);
  for (std::size_t t = 0; t < 400; ++t)
    sine[t] = std::sin(2.0f * 3.14159265f * 440.0f * static_cast<float>(t) / 16000);
  const auto row = log_mel.row(sine);
  const auto peak = std::max_element(row.begin(), row.end()) - row.begin();
  // Slaney: (15 + 27 ln(7.6) / ln(6.4) - 0.9) mels / 81 a filter from 60 Hz; 440 Hz is mel 6.6.
  const double last = 15.0 + 27.0 * std::log(7.6) / std::log(6.4), first = 0.9;
  EXPECT_NEAR(static_cast<double>(peak), (6.6 - first) / (last - first) * 81 - 1, 1.0);
}

TEST(LogMelCpu, filters_too_narrow_for_any_bin_give_the_floor) {
  const LogMelSpec spec{.fft_size = 64, .window = 64, .mels = 40};
  LogMel log_mel(spec);
  const std::vector<float> loud(64, 0.9f);
  const auto row = log_mel.row(loud);
  EXPECT_FLOAT_EQ(row[0], std::log(1e-5f));  // 60 to 214 Hz, and bins are 250 Hz apart
  for (const float value : row) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace talkrt::audio
