// SPDX-License-Identifier: Apache-2.0
//
//   samples -> log-mel rows -> network: rows of coefficients -> face over time -> rig -> splats -> pixels
//              10 ms            20 ms                            any frame rate
#include "engine/src/pipelines/gaussian.hpp"

#include <algorithm>
#include <vector>

#include "engine/src/deform/deformer.hpp"
#include "engine/src/features/log_mel_stream.hpp"
#include "engine/src/motion/motion_track.hpp"
#include "engine/src/motion/speech_motion.hpp"
#include "engine/src/pipelines/charge.hpp"
#include "engine/src/pipelines/stage_timer.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/camera.hpp"
#include "engine/src/render/gaussian_renderer.hpp"

namespace talkrt::pipelines {
namespace {

audio::LogMelSpec log_mel_of(const plan::Manifest& manifest) {
  const plan::LogMel& f = *manifest.features;
  return {manifest.sample_rate, f.fft_size, f.window, f.hop, f.mels, f.f_min, f.f_max, f.floor};
}

/// Rows of motion from one frame to the next, and the one before the first.
std::size_t rows_between_frames(const plan::Manifest& manifest, const SessionSpec& spec) {
  const double samples = static_cast<double>(manifest.sample_rate) * spec.fps_den / spec.fps_num;
  return static_cast<std::size_t>(samples / manifest.motion->step_samples) + 4;
}

class GaussianAvatar final : public Avatar {
 public:
  GaussianAvatar(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget);
  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  std::int64_t look_ahead() const override;
  std::span<const std::string> emotions() const override { return emotions_; }

  const plan::Plan& source;
  const plan::Manifest& manifest;
  const deform::Rig rig;

 private:
  std::unique_ptr<nn::Graph> network_;
  std::unique_ptr<Charge> network_memory_;
  std::vector<std::string> emotions_;
};

class GaussianPipeline final : public Pipeline {
 public:
  GaussianPipeline(const GaussianAvatar& avatar, std::unique_ptr<nn::Instance> network,
                   const SessionSpec& spec, device::Budget& budget, Executor& executor)
      : avatar_(avatar),
        executor_(executor),
        mel_(log_mel_of(avatar.manifest), budget),
        speech_(avatar.manifest, std::move(network), rows_between_frames(avatar.manifest, spec)),
        track_(avatar.manifest, spec.seed, spec.idle_motion),
        deformer_(avatar.rig, *avatar.manifest.gaussian, budget),
        backdrop_(avatar.source, spec.backdrop, spec.width, spec.height, budget),
        camera_(render::scaled_camera(avatar.manifest, spec.width, spec.height)),
        channels_(avatar.manifest.gaussian->channels.size()),
        renderer_(deformer_.pose(channels_, executor), camera_, avatar.manifest.gaussian->antialias,
                  backdrop_.view(), target_of(spec.scratch_frame), executor, budget, spec.warn) {
    for (const std::string& name : avatar.manifest.gaussian->channels) {
      rig_channels_.push_back(motion::channel_named(name).value());
    }
    begin_stream(0);
  }

  std::int64_t audio_end(std::int64_t position) const override {
    // Window n of the features ends with its last row's last sample.
    const std::int64_t window = row_after(position) - stream_row_;
    return stream_row_ * grid().step + window * grid().step +
           std::int64_t{speech_.window_rows() - 1} * mel_.spec().hop + mel_.spec().window;
  }

  void feed(std::span<const float> samples, StageTimes& times) override {
    while (!samples.empty()) {
      {
        const StageTimer timer(times, TALKRT_STAGE_AUDIO);
        samples = samples.subspan(mel_.push(samples));
        if (mel_.samples_needed() > 0) return;
        mel_.next_row(speech_.next_features());
      }
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      speech_.push();
    }
  }

  void render(std::int64_t position, const talkrt_controls& controls, const PixelTarget& target,
              StageTimes& times) override {
    {
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      move_to(position, controls);
    }
    const gaussian::Splats* posed = nullptr;
    {
      const StageTimer timer(times, TALKRT_STAGE_DEFORM);
      posed = &deformer_.pose(channels_, executor_);
    }
    const StageTimer timer(times, TALKRT_STAGE_RENDER);
    renderer_.draw(*posed, render::dollied(camera_, controls.head_distance), backdrop_.view(),
                   target_of(target), executor_);
  }

  void restart(std::int64_t position) override {
    track_.cut();
    begin_stream(position);
  }

  std::span<const float> channels() const override { return channels_; }

 private:
  static gaussian::Target target_of(const PixelTarget& target) {
    return {target.pixels, target.stride, nullptr, nullptr};
  }
  const motion::RowGrid& grid() const { return speech_.grid(); }
  /// The last row that a frame at `position` needs.
  std::int64_t row_after(std::int64_t position) const {
    return std::max(grid().at_or_after(position), stream_row_);
  }

  /// Features start on the grid of rows, at or before `position`, with silence up to it: so all rows of a
  /// session lie on one grid, whatever was dropped.
  void begin_stream(std::int64_t position) {
    stream_row_ = position / grid().step;
    mel_.reset();
    speech_.restart(stream_row_, grid().at_or_before(position));
    fresh_ = true;
    StageTimes unused{};
    static constexpr std::array<float, 64> kSilence{};
    for (std::int64_t left = position - stream_row_ * grid().step; left > 0;) {
      const auto count = std::min<std::int64_t>(left, kSilence.size());
      feed(std::span(kSilence).first(static_cast<std::size_t>(count)), unused);
      left -= count;
    }
  }

  /// Ticks the face up to the row after `position`, and reads the channels there.
  void move_to(std::int64_t position, const talkrt_controls& controls) {
    const std::int64_t last = row_after(position);
    // The last tick before a restart stands for the row where the new stream begins.
    if (fresh_) ticked_ = speech_.first_row() - (moved_ ? 0 : 1);
    for (std::int64_t row = ticked_ + 1; row <= last; ++row) track_.step(speech_.row(row), controls);
    fresh_ = false;
    moved_ = true;
    ticked_ = last;
    speech_.drop_before(last + 1);

    const std::int64_t past = position - grid().time(last - 1);
    const float weight =
        static_cast<float>(std::clamp<std::int64_t>(past, 0, grid().step)) / static_cast<float>(grid().step);
    motion::MotionFrame face = track_.at(weight);
    motion::apply_controls(controls, face);
    for (std::size_t c = 0; c < channels_.size(); ++c) channels_[c] = face[rig_channels_[c]];
  }

  const GaussianAvatar& avatar_;
  Executor& executor_;
  features::LogMelStream mel_;
  motion::SpeechMotion speech_;
  motion::MotionTrack track_;
  deform::Deformer deformer_;
  render::Backdrop backdrop_;
  gaussian::Camera camera_;
  std::vector<float> channels_;  // in the rig's order
  render::GaussianRenderer renderer_;
  std::vector<motion::Channel> rig_channels_;
  std::int64_t stream_row_ = 0;  // row whose features begin the present stream
  std::int64_t ticked_ = 0;      // last row that the face has moved to
  bool fresh_ = true, moved_ = false;
};

GaussianAvatar::GaussianAvatar(const plan::Plan& p, nn::Backend& backend, device::Budget& budget)
    : source(p), manifest(p.manifest()), rig(p, budget) {
  const auto spec = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                 [&](const auto& g) { return g.name == manifest.motion->graph; });
  network_ = backend.open(source, *spec);
  network_memory_ = std::make_unique<Charge>(budget, "graph " + spec->name, network_->bytes());
  for (const plan::Emotion& emotion : manifest.motion->emotions) emotions_.push_back(emotion.name);
}

std::unique_ptr<Pipeline> GaussianAvatar::begin(const SessionSpec& spec, device::Budget& budget,
                                                Executor& executor) const {
  return std::make_unique<GaussianPipeline>(*this, network_->instance(&budget), spec, budget, executor);
}

std::int64_t GaussianAvatar::look_ahead() const {
  const plan::Motion& m = *manifest.motion;
  const plan::LogMel& f = *manifest.features;
  // What the network needs beyond its row, and the most that the row after a frame is later than the frame.
  return std::int64_t{m.frames_per_step - 1} * f.hop + f.window - m.time_offset + m.step_samples - 1;
}

}  // namespace

std::unique_ptr<Avatar> open_gaussian(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget) {
  return std::make_unique<GaussianAvatar>(plan, backend, budget);
}

}  // namespace talkrt::pipelines
