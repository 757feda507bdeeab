// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/log_mel_stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::features {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "log-mel features: " + what);
}

const audio::LogMelSpec& checked(const audio::LogMelSpec& spec) {
  const auto text = [](auto value) { return std::to_string(value); };
  require(spec.sample_rate > 0, "sample_rate is " + text(spec.sample_rate) + ", expected a positive number");
  require(spec.fft_size >= 2 && spec.fft_size <= 65536 &&
              std::has_single_bit(static_cast<unsigned>(spec.fft_size)),
          "fft_size is " + text(spec.fft_size) + ", expected a power of two from 2 to 65536");
  require(spec.window >= 1 && spec.window <= spec.fft_size,
          "window is " + text(spec.window) + ", expected 1 to fft_size, " + text(spec.fft_size));
  require(spec.hop >= 1 && spec.hop <= (1 << 20), "hop is " + text(spec.hop) + ", expected 1 to 1048576");
  require(spec.mels >= 1 && spec.mels <= 4096, "mels is " + text(spec.mels) + ", expected 1 to 4096");
  require(
      spec.f_min >= 0 && spec.f_min < spec.f_max && spec.f_max <= 0.5f * static_cast<float>(spec.sample_rate),
      "f_min is " + text(spec.f_min) + " and f_max " + text(spec.f_max) +
          " Hz, expected 0 <= f_min < f_max <= half the sample rate, " + text(spec.sample_rate / 2));
  require(spec.floor > 0 && std::isfinite(spec.floor),
          "floor is " + text(spec.floor) + ", expected more than 0");
  return spec;
}

}  // namespace

LogMelStream::LogMelStream(const audio::LogMelSpec& spec, device::Budget& budget)
    : spec_(checked(spec)),
      tables_(budget, "log-mel tables", audio::log_mel_table_size(spec) * sizeof(double)),
      scratch_(budget, "log-mel scratch", audio::log_mel_scratch_size(spec) * sizeof(double)),
      window_(budget, "log-mel window", static_cast<std::size_t>(spec.window) * sizeof(float)) {
  audio::log_mel_tables(spec_, tables_.as<double>());
}

// filled_ is below 0 when hop is longer than window: so many samples lie between two rows and belong to none.

int LogMelStream::samples_needed() const noexcept { return spec_.window - filled_; }

std::size_t LogMelStream::push(std::span<const float> samples) noexcept {
  const std::size_t taken = std::min(samples.size(), static_cast<std::size_t>(samples_needed()));
  const std::size_t skipped = std::min(taken, static_cast<std::size_t>(std::max(-filled_, 0)));
  filled_ += static_cast<int>(skipped);
  if (taken > skipped) {
    std::copy_n(samples.data() + skipped, taken - skipped, window_.as<float>().data() + filled_);
    filled_ += static_cast<int>(taken - skipped);
  }
  return taken;
}

void LogMelStream::next_row(std::span<float> row) noexcept {
  const std::span<float> window = window_.as<float>();
  audio::log_mel_cpu(spec_, tables_.as<double>(), window, row, scratch_.as<double>());
  if (spec_.hop < spec_.window) std::copy(window.begin() + spec_.hop, window.end(), window.begin());
  filled_ -= spec_.hop;
}

void LogMelStream::reset() noexcept { filled_ = 0; }

}  // namespace talkrt::features
