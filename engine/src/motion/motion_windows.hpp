// SPDX-License-Identifier: Apache-2.0
//
// Speech to motion by diffusion over windows. A window is N frames of motion, all denoised at once from all
// of its speech; the P frames before it are its context.
//
//   exact       hop = N   windows follow one another, as published: a frame may wait for N - 1 later ones
//   streaming   hop < N   the same window moved on by `hop` frames: the first N - hop, which have been shown,
//                         are clamped to what they were while the last `hop` are made
//
// A clip begins in silence: speech of a frame ends `kSilenceBefore` - 640 samples before the frame's own
// time, and the first window of a stream hears zeros where there was nothing. Rows are frames of motion,
// counted from the stream's first sample, 640 samples apart.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/motion/diffusion.hpp"
#include "engine/src/motion/heard_windows.hpp"
#include "engine/src/nn/graph.hpp"

namespace talkrt::motion {

inline constexpr std::int64_t kRowSamples = 640;      // at 16 kHz: 25 rows a second
inline constexpr std::int64_t kSilenceBefore = 1280;  // zeros before a clip: motion follows the sound
inline constexpr std::size_t kMirrored = 40;  // samples at each end of a window, for the last hidden vector

struct WindowSampling {
  std::uint64_t seed = 1;
  int steps = 10;
  double eta = 0;  // 0: no noise on the way (DDIM), 1: as the published sampler
  float guidance = 2.8f;
  int hop = 0;  // rows made at once, kLeastHop to frames
};
inline constexpr int kLeastHop = 4;  // less would be over before the silence at the beginning is

/// Samples beyond a row's own time that the row needs at most.
[[nodiscard]] constexpr std::int64_t window_look_ahead(int hop) { return hop * kRowSamples - kSilenceBefore; }

class MotionWindows {
 public:
  struct Graphs {
    std::unique_ptr<nn::Instance> speech, denoise;
  };
  /// `frames` N, `previous` P, `steps` of the schedule; the speech graph's `rows` are [layers, 2, P + N,
  /// row_width]; `start` is the context of a stream's first window, P rows.
  struct Shape {
    int frames = 0, previous = 0, steps = 0;
    std::size_t row_width = 0;
    std::span<const float> start;
  };
  /// `heard` is shared by the model's sessions.
  MotionWindows(const Shape& shape, Graphs graphs, HeardWindows& heard, const WindowSampling& sampling,
                device::Budget& budget);

  /// Stream position up to which speech must have been fed before `row` can be read.
  [[nodiscard]] std::int64_t audio_end(std::int64_t row) const;
  /// Takes samples until a window is full, and returns how many.
  std::size_t feed(std::span<const float> samples);
  [[nodiscard]] bool full() const noexcept { return filled_ == window_samples() && !made_; }
  /// Of a full window. hear() runs the speech graph, denoise() the steps; in this order.
  void hear();
  void denoise();

  /// The rows that denoise() has just made, normalised: [hop, M].
  [[nodiscard]] std::span<const float> made() const;
  /// Rows before it are made.
  [[nodiscard]] std::int64_t end_row() const noexcept { return end_; }

  /// Speech was cut off when `unshown` of the rows made were still to be shown; the next sample is the one at
  /// `position`. What was shown is context. Returns the first row to come.
  std::int64_t restart(int unshown, std::int64_t position);

  [[nodiscard]] const nn::Instance& speech() const noexcept { return *graphs_.speech; }
  [[nodiscard]] const nn::Instance& denoising() const noexcept { return *graphs_.denoise; }

 private:
  void move_on(int rows);
  void begin_new_rows(std::int64_t silence);
  [[nodiscard]] std::size_t window_samples() const noexcept {
    return static_cast<std::size_t>(frames_ * kRowSamples);
  }
  [[nodiscard]] std::span<float> window_of_motion();

  int frames_, previous_, hop_;
  WindowSampling sampling_;
  std::vector<double> alpha_bars_;
  std::vector<DiffusionStep> steps_;
  Graphs graphs_;
  HeardWindows& heard_;
  std::span<float> heard_samples_, noisy_, context_, rows_, step_, guidance_;  // inputs of the graphs
  std::span<const float> speech_rows_, clean_;                                 // outputs
  std::size_t row_width_;
  device::Buffer samples_;        // [N * 640] of the window, and what came early for the next
  device::Buffer motion_;         // [P + N, M]: the window behind its context
  device::Buffer noise_;          // [N, M]
  device::Buffer start_noise_;    // [N, M]: what windows start from
  device::Buffer previous_rows_;  // [layers, P, row_width]: what the P frames before the window heard

  std::size_t filled_ = 0;  // samples of the window
  bool made_ = false;       // the window is full and its motion was made
  bool any_ = false;        // some window was made: what lies before the new rows is known
  int moved_ = 0;           // rows since the window that `rows_` belongs to
  std::int64_t windows_ = 0;
  std::int64_t end_ = 0;
};

}  // namespace talkrt::motion
