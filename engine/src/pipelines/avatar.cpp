// SPDX-License-Identifier: Apache-2.0
//
//   rows of audio features -> eight of them -> graphs -> networks move Gaussians -> pixels
//   video frame -> track: action units, camera, torso --^                           ^-- torso over background
//
// Row, video frame and track frame advance together, 25 times a second; a session at another rate shows the
// last frame that is due.
#include "engine/src/pipelines/avatar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "engine/src/deform/cloud.hpp"
#include "engine/src/deform/mover.hpp"
#include "engine/src/features/encoder_rows.hpp"
#include "engine/src/features/host_rows.hpp"
#include "engine/src/features/row_window.hpp"
#include "engine/src/motion/track.hpp"
#include "engine/src/pipelines/stage_timer.hpp"
#include "engine/src/render/camera.hpp"
#include "engine/src/render/orbit_limit.hpp"
#include "engine/src/render/raster_options.hpp"
#include "engine/src/render/recorded_renderer.hpp"
#include "engine/src/render/track_backdrop.hpp"
#include "engine/src/session/frame_clock.hpp"

namespace talkrt::pipelines {

std::vector<std::string> graphs_of(const plan::AvatarSpec& avatar) {
  std::vector<std::string> out;
  out.reserve(avatar.deforms.size());
  for (const plan::Deform& d : avatar.deforms) out.push_back(d.is_kernel() ? d.mix_graph() : d.graph);
  return out;
}

namespace {

gaussian::RasterOptions options_of(const plan::Manifest& manifest) {
  gaussian::RasterOptions options = render::options_of(*manifest.gaussian);
  options.layers_apart = manifest.avatar->composite == plan::Composite::layered;
  return options;
}

class RecordedAvatar final : public Avatar {
 public:
  RecordedAvatar(const plan::Plan& p, nn::Backend& backend, device::Budget& budget, const render::Gpu* gpu)
      : source(p),
        manifest(p.manifest()),
        clock(manifest.sample_rate, manifest.fps_num, manifest.fps_den),
        cloud(p, budget),
        networks(p, budget),
        graphs(p, backend, graphs_of(*manifest.avatar), budget),
        gpu_(gpu) {
    if (gpu != nullptr) {
      gaussian::RigView rest;
      rest.rest = cloud.splats();
      cuda_cloud_.emplace(rest, gpu->device, budget);
      cuda_networks_.emplace(networks, cloud.splats().sh_degree, gpu->device, budget);
    }
    if (!manifest.rows->encoder) return;
    const auto spec = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                   [&](const auto& g) { return g.name == manifest.rows->encoder->graph; });
    encoder = backend.open(source, *spec, 1, &budget);
  }

  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  std::int64_t look_ahead() const override;
  std::span<const std::string> emotions() const override { return emotions_; }
  std::unique_ptr<render::RecordedRenderer> renderer(const render::RecordedScene& scene,
                                                     const SessionSpec& spec, device::Budget& budget,
                                                     Executor& executor) const;

  const plan::Plan& source;
  const plan::Manifest& manifest;
  const session::FrameClock clock;  // of rows
  const deform::Cloud cloud;
  const deform::Networks networks;
  const nn::GraphChain graphs;
  std::unique_ptr<nn::Graph> encoder;  // null where the host has the rows

 private:
  const render::Gpu* gpu_;  // or null
  std::optional<deform::CudaRig> cuda_cloud_;
  std::optional<deform::CudaNetworks> cuda_networks_;
  std::vector<std::string> emotions_{"neutral"};  // whatever the recording shows
};

/// All that a picture depends on beside the row's audio.
struct Shown {
  std::int64_t row = -1;
  float blink = 0, strength = 0, distance = 1, yaw = 0, pitch = 0, roll = 0;
  bool operator==(const Shown&) const = default;
};

class RecordedPipeline final : public Speaker {
 public:
  RecordedPipeline(const RecordedAvatar& avatar, const SessionSpec& spec, device::Budget& budget,
                   Executor& executor)
      : avatar_(avatar),
        executor_(executor),
        rows_(source_of(avatar, budget)),
        window_(*avatar.manifest.rows, rows_ahead(*avatar.manifest.rows), budget),
        graphs_(avatar.graphs.instance(budget)),
        mover_(avatar.source, avatar.cloud.splats(), avatar.networks, graphs_, budget),
        track_(avatar.source),
        limit_(track_.cameras(), avatar.manifest.gaussian->view.target,
               avatar.manifest.avatar->orbit_degrees),
        camera_(render::scaled_camera(avatar.manifest, spec.width, spec.height)),
        backdrop_(avatar.source, spec.backdrop, budget) {
    hear(0, 0);
    mover_.take(0, 1, executor);  // at rest
    renderer_ = avatar.renderer({mover_,
                                 backdrop_,
                                 options_of(avatar.manifest),
                                 avatar.manifest.avatar->dilate,
                                 {camera_of({}), track_.at(0), 1, true},
                                 spec.scratch_frame},
                                spec, budget, executor);
  }

  std::int64_t audio_end(std::int64_t position) const override {
    return rows_->audio_end(row_at(position) + avatar_.manifest.rows->after - 1);
  }
  std::int64_t look_ahead() const override { return avatar_.look_ahead(); }
  bool takes_rows() const override { return rows_->takes_rows(); }
  std::int64_t position_of(std::int64_t fed) const override {
    if (!rows_->takes_rows()) return fed;
    return avatar_.clock.position(fed / static_cast<std::int64_t>(rows_->row_floats()));
  }
  void feed(std::span<const float> stream, StageTimes& times) override {
    const StageTimer timer(times, TALKRT_STAGE_AUDIO);
    rows_->feed(stream);
    window_.collect(*rows_);
  }
  bool finish() override {
    if (!finished_) rows_->finish();
    window_.collect(*rows_);
    finished_ = true;
    return true;
  }

  void render(std::int64_t position, const talkrt_controls& controls, const PixelTarget& target,
              StageTimes& times) override {
    const float most = avatar_.manifest.avatar->orbit_degrees;
    const auto turn = [most](float degrees) { return std::clamp(degrees, -most, most); };
    const Shown next{row_at(position),        controls.blink,          controls.expression_scale,
                     controls.head_distance,  turn(controls.head_yaw), turn(controls.head_pitch),
                     turn(controls.head_roll)};
    const bool same = next == shown_;
    shown_ = {};
    if (!same) {
      {
        const StageTimer timer(times, TALKRT_STAGE_MOTION);
        hear(next.row, next.blink);
      }
      const StageTimer timer(times, TALKRT_STAGE_DEFORM);
      mover_.take(next.strength, arrived(next.row), executor_);
    }
    const StageTimer timer(times, TALKRT_STAGE_RENDER);
    track_frame_ = track_.at(next.row);
    renderer_->draw({camera_of(next), track_frame_, next.distance, !same}, target);
    shown_ = next;
    drawn_ = true;
  }

  gaussian::RasterStats draw(const gaussian::Camera& camera, const gaussian::Target& target) override {
    limit_.check(camera);
    return renderer_->view(camera, track_frame_, target);
  }

  void restart(std::int64_t position) override {
    const std::int64_t row = row_at(position);
    rows_->restart(row);
    window_.restart(row);
    if (drawn_) {
      mover_.depart();
      departed_ = position;
    }
    finished_ = false;
    shown_ = {};
    if (rows_->takes_rows()) return;
    static constexpr std::array<float, 64> kSilence{};
    for (std::int64_t at = avatar_.clock.position(row); at < position;) {
      const auto count = std::min<std::int64_t>(position - at, kSilence.size());
      rows_->feed(std::span(kSilence).first(static_cast<std::size_t>(count)));
      window_.collect(*rows_);
      at += count;
    }
  }

  std::span<const float> channels() const override { return {}; }

 private:
  static std::unique_ptr<features::RowSource> source_of(const RecordedAvatar& avatar,
                                                        device::Budget& budget) {
    const plan::RowFeatures& rows = *avatar.manifest.rows;
    if (avatar.encoder != nullptr) {
      return std::make_unique<features::EncoderRows>(rows, avatar.encoder->instance(&budget), budget);
    }
    return std::make_unique<features::HostRows>(
        static_cast<std::size_t>(rows.channels) * static_cast<std::size_t>(rows.row_width), budget);
  }
  /// Rows that are ready beyond what a frame needs: those of an encoder's run, and of the one that ends
  /// speech.
  static std::int64_t rows_ahead(const plan::RowFeatures& rows) {
    constexpr std::int64_t kRow = 640;  // samples of an encoder's row
    return rows.encoder ? 2 * rows.encoder->samples() / kRow + 8 : 2;
  }
  [[nodiscard]] std::int64_t row_at(std::int64_t position) const {
    const std::int64_t row = avatar_.clock.first_at_or_after(position);
    return avatar_.clock.position(row) > position ? row - 1 : row;
  }

  /// How much of a row's speech is heard: after a cut the mouth passes from where it was in 100 ms,
  /// half-cosine.
  [[nodiscard]] float arrived(std::int64_t row) const {
    if (!departed_) return 1;
    const double seconds =
        static_cast<double>(avatar_.clock.position(row) - *departed_) / avatar_.manifest.sample_rate;
    return static_cast<float>(0.5 - 0.5 * std::cos(std::numbers::pi * std::clamp(seconds / 0.1, 0.0, 1.0)));
  }

  /// Runs the graphs for a row.
  void hear(std::int64_t row, float blink) {
    for (const nn::ChainInstance::Input& input : graphs_.inputs()) {
      if (input.source == "features") {
        window_.copy(row, input.values);
      } else {
        track_.play(input.name, track_.at(row), input.values);
        motion::add_blink(input.name, blink, input.values);
      }
    }
    graphs_.run();
  }

  /// The track's camera. A head that turns is a camera that goes around it the other way, and distance is a
  /// longer lens, because the torso is a picture and must keep its size beside the head's.
  [[nodiscard]] gaussian::Camera camera_of(const Shown& shown) const {
    gaussian::Camera camera = camera_;
    track_.camera(track_.at(std::max<std::int64_t>(shown.row, 0)), camera.viewmat);
    render::turn_about(camera, avatar_.manifest.gaussian->view.target, shown.yaw, shown.pitch, shown.roll);
    camera.K[0] /= shown.distance;
    camera.K[4] /= shown.distance;
    return camera;
  }

  const RecordedAvatar& avatar_;
  Executor& executor_;
  std::unique_ptr<features::RowSource> rows_;
  features::RowWindow window_;
  nn::ChainInstance graphs_;
  deform::Mover mover_;
  motion::Track track_;
  const render::OrbitLimit limit_;  // of views
  gaussian::Camera camera_;
  render::TrackBackdrop backdrop_;
  std::unique_ptr<render::RecordedRenderer> renderer_;
  int track_frame_ = 0;  // of the last frame
  Shown shown_;
  bool drawn_ = false;
  std::optional<std::int64_t> departed_;  // where the speech before this one was cut off
  bool finished_ = false;                 // the source knows that nothing follows
};

std::int64_t RecordedAvatar::look_ahead() const {
  const plan::RowFeatures& rows = *manifest.rows;
  if (!rows.encoder) return clock.position(rows.after) + 1;
  return features::encoder_look_ahead(rows) + clock.position(std::max(rows.after - 1, 0)) + 1;
}

std::unique_ptr<render::RecordedRenderer> RecordedAvatar::renderer(const render::RecordedScene& scene,
                                                                   const SessionSpec& spec,
                                                                   device::Budget& budget,
                                                                   Executor& executor) const {
  if (gpu_ != nullptr) {
    return render::recorded_renderer_cuda(scene, *cuda_cloud_, *cuda_networks_, *gpu_, budget);
  }
  return render::recorded_renderer_cpu(scene, executor, budget, spec.warn);
}

std::unique_ptr<Pipeline> RecordedAvatar::begin(const SessionSpec& spec, device::Budget& budget,
                                                Executor& executor) const {
  return std::make_unique<RecordedPipeline>(*this, spec, budget, executor);
}

}  // namespace

std::unique_ptr<Avatar> open_recorded(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                      const render::Gpu* gpu) {
  return std::make_unique<RecordedAvatar>(plan, backend, budget, gpu);
}

}  // namespace talkrt::pipelines
