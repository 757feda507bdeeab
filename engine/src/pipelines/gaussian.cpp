// SPDX-License-Identifier: Apache-2.0
//
//   samples -> log-mel rows -> network: rows of coefficients -> face over time -> rig -> splats -> pixels
//              10 ms            20 ms                            any frame rate
#include "engine/src/pipelines/gaussian.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "engine/src/deform/cuda_rig.hpp"
#include "engine/src/deform/deformer.hpp"
#include "engine/src/features/log_mel_stream.hpp"
#include "engine/src/motion/face_timeline.hpp"
#include "engine/src/pipelines/stage_timer.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/camera.hpp"
#include "engine/src/render/head_renderer.hpp"
#include "engine/src/render/raster_options.hpp"

namespace talkrt::pipelines {
namespace {

audio::LogMelSpec log_mel_of(const plan::Manifest& manifest) {
  const plan::LogMel& f = *manifest.features;
  return {manifest.sample_rate, f.fft_size, f.window, f.hop, f.mels, f.f_min, f.f_max, f.floor};
}

class GaussianAvatar final : public Avatar {
 public:
  GaussianAvatar(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                 const render::Gpu* gpu);
  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  std::int64_t look_ahead() const override;
  std::span<const std::string> emotions() const override { return emotions_; }
  std::unique_ptr<render::HeadRenderer> renderer(const render::HeadScene& scene, const SessionSpec& spec,
                                                 device::Budget& budget, Executor& executor) const;

  const plan::Plan& source;
  const plan::Manifest& manifest;
  const deform::Rig rig;

 private:
  const render::Gpu* gpu_;
  std::optional<deform::CudaRig> cuda_rig_;
  std::unique_ptr<nn::Graph> network_;
  std::vector<std::string> emotions_;
};

class GaussianPipeline final : public Speaker {
 public:
  GaussianPipeline(const GaussianAvatar& avatar, std::unique_ptr<nn::Instance> network,
                   const SessionSpec& spec, device::Budget& budget, Executor& executor)
      : look_ahead_(avatar.look_ahead()),
        network_name_(avatar.manifest.motion->graph),
        mel_(log_mel_of(avatar.manifest), budget),
        face_(avatar.manifest, std::move(network), {spec.fps_num, spec.fps_den, spec.seed, spec.idle_motion}),
        channels_(avatar.manifest.gaussian->channels.size()),
        deformer_(avatar.rig, *avatar.manifest.gaussian, budget),
        camera_(render::scaled_camera(avatar.manifest, spec.width, spec.height)),
        backdrop_(avatar.source, spec.backdrop, spec.width, spec.height, budget),
        renderer_(avatar.renderer({deformer_, camera_, render::options_of(*avatar.manifest.gaussian),
                                   backdrop_, spec.scratch_frame},
                                  spec, budget, executor)) {
    for (const std::string& name : avatar.manifest.gaussian->channels) {
      rig_channels_.push_back(motion::channel_named(name).value());
    }
  }

  std::int64_t audio_end(std::int64_t position) const override { return face_.audio_end(position); }

  void feed(std::span<const float> samples, StageTimes& times) override {
    while (!samples.empty()) {
      {
        const StageTimer timer(times, TALKRT_STAGE_AUDIO);
        samples = samples.subspan(mel_.push(samples));
        if (mel_.samples_needed() > 0) return;
        mel_.next_row(face_.next_features());
      }
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      face_.push();
    }
  }

  void render(std::int64_t position, const talkrt_controls& controls, const PixelTarget& target,
              StageTimes& times) override {
    {
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      const motion::MotionFrame face = face_.at(position, controls);
      for (std::size_t c = 0; c < channels_.size(); ++c) channels_[c] = face[rig_channels_[c]];
    }
    {
      // What the pose is; posing happens in the renderer's first stage.
      const StageTimer timer(times, TALKRT_STAGE_DEFORM);
      deformer_.set(channels_);
    }
    const StageTimer timer(times, TALKRT_STAGE_RENDER);
    renderer_->draw(deformer_, render::dollied(camera_, controls.head_distance), target);
  }

  gaussian::RasterStats draw(const gaussian::Camera& camera, const gaussian::Target& target) override {
    return renderer_->view(deformer_, camera, target);
  }

  void restart(std::int64_t position) override {
    static constexpr std::array<float, 64> kSilence{};
    mel_.reset();
    StageTimes untimed{};
    for (std::int64_t at = face_.restart(position); at < position;) {
      const auto count = std::min<std::int64_t>(position - at, kSilence.size());
      feed(std::span(kSilence).first(static_cast<std::size_t>(count)), untimed);
      at += count;
    }
  }

  std::span<const float> channels() const override { return channels_; }
  std::int64_t look_ahead() const override { return look_ahead_; }
  std::vector<GraphUse> graphs() const override {
    return {{network_name_, plan::Runs::window, face_.network().times()}};
  }

 private:
  std::int64_t look_ahead_;
  std::string network_name_;
  features::LogMelStream mel_;
  motion::FaceTimeline face_;
  std::vector<float> channels_;  // in the rig's order
  std::vector<motion::Channel> rig_channels_;
  deform::Deformer deformer_;
  gaussian::Camera camera_;
  render::Backdrop backdrop_;
  std::unique_ptr<render::HeadRenderer> renderer_;
};

GaussianAvatar::GaussianAvatar(const plan::Plan& p, nn::Backend& backend, device::Budget& budget,
                               const render::Gpu* gpu)
    : source(p), manifest(p.manifest()), rig(p, budget), gpu_(gpu) {
  if (gpu_ != nullptr) cuda_rig_.emplace(rig.view(), gpu_->device, budget);
  const auto spec = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                 [&](const auto& g) { return g.name == manifest.motion->graph; });
  network_ = backend.open(source, *spec, 1, &budget);
  for (const plan::Emotion& emotion : manifest.motion->emotions) emotions_.push_back(emotion.name);
}

std::unique_ptr<Pipeline> GaussianAvatar::begin(const SessionSpec& spec, device::Budget& budget,
                                                Executor& executor) const {
  return std::make_unique<GaussianPipeline>(*this, network_->instance(&budget), spec, budget, executor);
}

std::unique_ptr<render::HeadRenderer> GaussianAvatar::renderer(const render::HeadScene& scene,
                                                               const SessionSpec& spec,
                                                               device::Budget& budget,
                                                               Executor& executor) const {
  if (gpu_ != nullptr) return render::head_renderer_cuda(scene, *cuda_rig_, *gpu_, budget);
  return render::head_renderer_cpu(scene, executor, budget, spec.warn);
}

std::int64_t GaussianAvatar::look_ahead() const {
  const plan::Motion& m = *manifest.motion;
  const plan::LogMel& f = *manifest.features;
  // What the network needs beyond its row, and the most that the row after a frame is later than the frame.
  return std::int64_t{m.frames_per_step - 1} * f.hop + f.window - m.time_offset + m.step_samples - 1;
}

}  // namespace

std::unique_ptr<Avatar> open_gaussian(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                      const render::Gpu* gpu) {
  return std::make_unique<GaussianAvatar>(plan, backend, budget, gpu);
}

}  // namespace talkrt::pipelines
