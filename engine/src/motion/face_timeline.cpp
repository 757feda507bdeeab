// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/face_timeline.hpp"

#include <algorithm>
#include <utility>

namespace talkrt::motion {
namespace {

/// Rows from one frame to the next, those around each end, and one to spare.
std::size_t rows_between_frames(const plan::Manifest& manifest, const TimelineSpec& spec) {
  const double samples = static_cast<double>(manifest.sample_rate) * spec.fps_den / spec.fps_num;
  return static_cast<std::size_t>(samples / manifest.motion->step_samples) + 4;
}

}  // namespace

FaceTimeline::FaceTimeline(const plan::Manifest& manifest, std::unique_ptr<nn::Instance> graph,
                           const TimelineSpec& spec)
    : row_samples_(std::int64_t{manifest.motion->frames_per_step - 1} * manifest.features->hop +
                   manifest.features->window),
      speech_(manifest, std::move(graph), rows_between_frames(manifest, spec)),
      track_(manifest, spec.seed, spec.idle) {
  restart(0);
}

std::int64_t FaceTimeline::row_after(std::int64_t position) const {
  return std::max(grid().at_or_after(position), stream_row_);
}

std::int64_t FaceTimeline::audio_end(std::int64_t position) const {
  return row_after(position) * grid().step + row_samples_;
}

MotionFrame FaceTimeline::at(std::int64_t position, const talkrt_controls& controls) {
  const std::int64_t last = row_after(position);
  // After a restart the last tick of before stands for the row where the new stream begins.
  if (fresh_) ticked_ = speech_.first_row() - (moved_ ? 0 : 1);
  for (std::int64_t row = ticked_ + 1; row <= last; ++row) track_.step(speech_.row(row), controls);
  fresh_ = false;
  moved_ = true;
  ticked_ = last;
  speech_.drop_before(last + 1);

  const std::int64_t past = std::clamp<std::int64_t>(position - grid().time(last - 1), 0, grid().step);
  MotionFrame face = track_.at(static_cast<float>(past) / static_cast<float>(grid().step));
  apply_controls(controls, face);
  return face;
}

std::int64_t FaceTimeline::restart(std::int64_t position) {
  track_.cut();
  stream_row_ = position / grid().step;
  speech_.restart(stream_row_, grid().at_or_before(position));
  fresh_ = true;
  return stream_row_ * grid().step;
}

}  // namespace talkrt::motion
