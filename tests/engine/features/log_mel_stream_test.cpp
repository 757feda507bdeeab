// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/log_mel_stream.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <talkrt/error.hpp>
#include <vector>

namespace talkrt::features {
namespace {

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 0.2f);
  std::vector<float> result(count);
  for (float& value : result) value = normal(random);
  return result;
}

/// All rows of a signal, pushed in chunks whose sizes `chunk` gives.
std::vector<float> rows(LogMelStream& stream, std::span<const float> signal,
                        const std::function<std::size_t()>& chunk) {
  std::vector<float> result, row(static_cast<std::size_t>(stream.spec().mels));
  while (!signal.empty()) {
    std::span<const float> part = signal.first(std::min(chunk(), signal.size()));
    signal = signal.subspan(part.size());
    while (!part.empty()) {
      part = part.subspan(stream.push(part));
      while (stream.samples_needed() == 0) {
        stream.next_row(row);
        result.insert(result.end(), row.begin(), row.end());
      }
    }
  }
  return result;
}

bool bit_identical(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(LogMelStream, any_split_of_the_audio_gives_bit_identical_rows) {
  device::Budget budget("test", 0);
  const auto signal = noise(16000, 1);
  std::vector<audio::LogMelSpec> specs(4);
  specs[1] = {.sample_rate = 16000, .fft_size = 1024, .window = 1024, .hop = 320, .mels = 40};
  specs[2] = {.sample_rate = 8000, .fft_size = 256, .window = 200, .hop = 200, .mels = 20, .f_max = 3800.0f};
  specs[3] = {
      .sample_rate = 16000, .fft_size = 256, .window = 100, .hop = 333, .mels = 13};  // gaps between rows
  for (const auto& spec : specs) {
    LogMelStream whole(spec, budget);
    const auto expected = rows(whole, signal, [&] { return signal.size(); });
    const std::size_t count =
        1 + (signal.size() - static_cast<std::size_t>(spec.window)) / static_cast<std::size_t>(spec.hop);
    ASSERT_EQ(expected.size(), count * static_cast<std::size_t>(spec.mels));
    std::mt19937 random(7);
    for (const std::size_t largest : {1u, 3u, 160u, 161u, 1000u, 5000u}) {
      LogMelStream stream(spec, budget);
      EXPECT_TRUE(bit_identical(rows(stream, signal, [&] { return 1 + random() % largest; }), expected))
          << "chunks of up to " << largest << ", hop " << spec.hop;
    }
  }
}

TEST(LogMelStream, row_m_depends_on_its_own_window_only) {
  device::Budget budget("test", 0);
  LogMelStream stream({}, budget), again({}, budget);
  auto signal = noise(4000, 2);
  const auto before = rows(stream, signal, [] { return 4000; });
  for (std::size_t i = 0; i < 1600; ++i) signal[i] = 0;     // before row 10
  for (std::size_t i = 2000; i < 4000; ++i) signal[i] = 0;  // after it
  const auto after = rows(again, signal, [] { return 4000; });
  EXPECT_EQ(0, std::memcmp(&before[10 * 80], &after[10 * 80], 80 * sizeof(float)));
  EXPECT_NE(0, std::memcmp(&before[9 * 80], &after[9 * 80], 80 * sizeof(float)));
  EXPECT_NE(0, std::memcmp(&before[11 * 80], &after[11 * 80], 80 * sizeof(float)));
}

TEST(LogMelStream, starts_over_after_reset) {
  device::Budget budget("test", 0);
  LogMelStream stream({}, budget);
  const auto signal = noise(3000, 3);
  const auto first = rows(stream, signal, [] { return 700; });
  stream.push(std::span(signal).first(50));
  stream.reset();
  EXPECT_EQ(stream.samples_needed(), 400);
  EXPECT_TRUE(bit_identical(rows(stream, signal, [] { return 64; }), first));
}

TEST(LogMelStream, silence_is_the_log_of_the_floor) {
  device::Budget budget("test", 0);
  LogMelStream stream({}, budget);
  for (const float value : rows(stream, std::vector<float>(800), [] { return 800; })) {
    EXPECT_FLOAT_EQ(value, std::log(1e-5f));
  }
}

TEST(LogMelStream, charges_its_memory_and_gives_it_back) {
  device::Budget budget("session", 0);
  {
    const LogMelStream stream({}, budget);
    EXPECT_GT(budget.used(device::MemoryKind::host), 400 * sizeof(float));
  }
  EXPECT_EQ(budget.used(device::MemoryKind::host), 0u);
}

TEST(LogMelStream, refuses_what_it_cannot_compute) {
  device::Budget budget("test", 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const audio::LogMelSpec bad[] = {
      {.sample_rate = 0}, {.fft_size = 500}, {.fft_size = 0}, {.window = 513}, {.window = 0},
      {.hop = 0},         {.hop = -1},       {.mels = 0},     {.f_min = -1},   {.f_min = 8000},
      {.f_max = 8001},    {.f_max = nan},    {.floor = 0},    {.floor = nan},  {.fft_size = 1 << 30},
  };
  for (const auto& spec : bad) EXPECT_THROW(LogMelStream(spec, budget), Error);
}

}  // namespace
}  // namespace talkrt::features
