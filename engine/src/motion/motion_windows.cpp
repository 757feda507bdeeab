// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/motion_windows.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "engine/src/motion/window_noise.hpp"

namespace talkrt::motion {
namespace {

constexpr auto kRow = static_cast<std::size_t>(kRowSamples);
// Motion follows the sound, so the last frames of a window are shown when samples behind it have come. They
// wait here, for a window must not move on before its last frame is shown.
constexpr auto kEarly = static_cast<std::size_t>(kSilenceBefore);

std::size_t size(int count) { return static_cast<std::size_t>(count); }

/// A window's samples with its ends mirrored by 20, twice: the second time what the first one left.
void mirror_ends(std::span<const float> window, std::span<float> out) {
  constexpr std::size_t kHalf = kMirrored / 2;
  const std::span<float> middle = out.subspan(kMirrored, window.size());
  std::copy(window.begin(), window.end(), middle.begin());
  for (std::size_t reach = kHalf; reach <= kMirrored; reach += kHalf) {
    const std::size_t first = kMirrored - reach + kHalf, last = kMirrored + window.size() + reach - kHalf - 1;
    for (std::size_t i = 1; i <= kHalf; ++i) {
      out[first - i] = out[first + i];
      out[last + i] = out[last - i];
    }
  }
}

}  // namespace

MotionWindows::MotionWindows(const Shape& shape, Graphs graphs, HeardWindows& heard,
                             const WindowSampling& sampling, device::Budget& budget)
    : frames_(shape.frames),
      previous_(shape.previous),
      hop_(sampling.hop),
      sampling_(sampling),
      alpha_bars_(cosine_alpha_bars(shape.steps)),
      steps_(reverse_steps(alpha_bars_, sampling.steps, sampling.eta)),
      graphs_(std::move(graphs)),
      heard_(heard),
      heard_samples_(graphs_.speech->input("samples")),
      noisy_(graphs_.denoise->input("motion")),
      context_(graphs_.denoise->input("prev_motion")),
      rows_(graphs_.denoise->input("rows")),
      step_(graphs_.denoise->input("step")),
      guidance_(graphs_.denoise->input("guidance")),
      speech_rows_(graphs_.speech->output("rows")),
      clean_(graphs_.denoise->output("clean")),
      row_width_(shape.row_width),
      samples_(budget, "speech of a window", (size(frames_) * kRow + kEarly) * sizeof(float)),
      motion_(budget, "motion of a window", (context_.size() + noisy_.size()) * sizeof(float)),
      noise_(budget, "noise", noisy_.size() * sizeof(float)),
      start_noise_(budget, "noise of a window's start", noisy_.size() * sizeof(float)),
      previous_rows_(budget, "context of hearing",
                     rows_.size() / 2 / size(frames_ + previous_) * size(previous_) * sizeof(float)) {
  window_noise(sampling.seed, 0, 0, start_noise_.as<float>());
  std::copy(shape.start.begin(), shape.start.end(), motion_.as<float>().begin());
  begin_new_rows(kSilenceBefore);
}

std::span<float> MotionWindows::window_of_motion() { return motion_.as<float>().subspan(context_.size()); }

void MotionWindows::begin_new_rows(std::int64_t silence) {
  const std::span<float> samples = samples_.as<float>();
  filled_ = size(frames_ - hop_) * kRow;
  const auto zeros = samples.subspan(filled_, static_cast<std::size_t>(silence));
  std::fill(zeros.begin(), zeros.end(), 0.0f);
  filled_ += zeros.size();
  made_ = false;
}

std::int64_t MotionWindows::audio_end(std::int64_t row) const {
  // A row that is made needs nothing more; others come with their hop.
  const std::int64_t ahead = std::max<std::int64_t>(row + 1 - end_, 0);
  const std::int64_t hops = (ahead + hop_ - 1) / hop_;
  return (end_ + hops * hop_) * kRowSamples - kSilenceBefore;
}

std::size_t MotionWindows::feed(std::span<const float> samples) {
  const std::span<float> all = samples_.as<float>();
  if (made_ && filled_ == all.size()) {
    move_on(hop_);
    filled_ -= size(hop_) * kRow;
    made_ = false;
  }
  const std::size_t room = made_ ? all.size() - filled_ : window_samples() - filled_;
  const std::size_t count = std::min(samples.size(), room);
  std::copy_n(samples.begin(), count, all.begin() + static_cast<std::ptrdiff_t>(filled_));
  filled_ += count;
  return count;
}

void MotionWindows::move_on(int rows) {
  const auto shift = [](std::span<float> data, std::size_t by) {
    std::memmove(data.data(), data.data() + by, (data.size() - by) * sizeof(float));
  };
  const std::size_t width = noisy_.size() / size(frames_);
  shift(samples_.as<float>(), size(rows) * kRow);
  shift(motion_.as<float>(), size(rows) * width);
  moved_ += rows;
}

void MotionWindows::hear() {
  // A row is a linear map of its frame's own audio, so the rows of the P frames before this window are those
  // that an earlier run gave them.
  const std::size_t kept = size(previous_) * row_width_, branch = size(frames_ + previous_) * row_width_;
  const std::size_t layers = rows_.size() / 2 / branch;
  const std::span<float> saved = previous_rows_.as<float>();
  for (std::size_t layer = 0; any_ && layer < layers; ++layer) {
    const float* heard = rows_.data() + (2 * layer + 1) * branch + size(moved_) * row_width_;
    std::copy_n(heard, kept, saved.data() + layer * kept);
  }
  const std::span<const float> samples = samples_.as<float>().first(window_samples());
  if (!heard_.find(samples, rows_)) {
    mirror_ends(samples, heard_samples_);
    graphs_.speech->reset();  // its own memory of what came before is not used: see above
    graphs_.speech->run();
    std::copy(speech_rows_.begin(), speech_rows_.end(), rows_.begin());
    heard_.put(samples, speech_rows_);
  }
  for (std::size_t b = 0; any_ && b < 2 * layers; ++b) {
    std::copy_n(saved.data() + b / 2 * kept, kept, rows_.data() + b * branch);
  }
  moved_ = 0;
}

void MotionWindows::denoise() {
  const std::span<const float> start = start_noise_.as<float>();
  const std::span<float> known = window_of_motion(), z = noise_.as<float>();
  const std::size_t clamped = any_ ? size(frames_ - hop_) * (noisy_.size() / size(frames_)) : 0;
  std::copy_n(motion_.as<float>().data(), context_.size(), context_.begin());
  guidance_[0] = sampling_.guidance;

  std::copy(start.begin(), start.end(), noisy_.begin());
  const double bar = alpha_bars_[size(steps_.front().t)];
  const auto signal = static_cast<float>(std::sqrt(bar)), rest = static_cast<float>(std::sqrt(1 - bar));
  for (std::size_t i = 0; i < clamped; ++i) noisy_[i] = signal * known[i] + rest * start[i];

  for (const DiffusionStep& step : steps_) {
    step_[0] = static_cast<float>(step.t);
    graphs_.denoise->run();
    const auto keep = static_cast<float>(step.keep), clean = static_cast<float>(step.clean);
    for (std::size_t i = 0; i < clamped; ++i) noisy_[i] = keep * noisy_[i] + clean * known[i];
    for (std::size_t i = clamped; i < noisy_.size(); ++i) noisy_[i] = keep * noisy_[i] + clean * clean_[i];
    if (step.noise == 0) continue;
    window_noise(sampling_.seed, windows_, step.t, z);
    const auto amount = static_cast<float>(step.noise);
    for (std::size_t i = 0; i < noisy_.size(); ++i) noisy_[i] += amount * z[i];
  }
  const auto made = static_cast<std::ptrdiff_t>(clamped);
  std::copy(noisy_.begin() + made, noisy_.end(), known.begin() + made);
  ++windows_;
  any_ = made_ = true;
  end_ += hop_;
}

std::span<const float> MotionWindows::made() const {
  const std::span<const float> all = motion_.as<float>();
  return all.last(size(hop_) * (noisy_.size() / size(frames_)));
}

std::int64_t MotionWindows::restart(int unshown, std::int64_t position) {
  // The last row shown becomes the last one before those to come.
  if (made_) move_on(hop_ - std::min(unshown, hop_));
  end_ = position / kRowSamples;
  begin_new_rows(position - end_ * kRowSamples + kSilenceBefore);
  return end_;
}

}  // namespace talkrt::motion
