// SPDX-License-Identifier: Apache-2.0
//
//   portrait -> crop -> keypoints, appearance                                         once
//   samples  -> window -> hearing -> denoising steps: rows of motion                  every hop
//               4 s                  40 ms
//   rows -> face at any time -> keypoints -> stitched -> warp -> picture -> frame     every frame
#include "engine/src/pipelines/vasa1.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <talkrt/error.hpp>
#include <vector>

#include "engine/src/motion/emotion_fades.hpp"
#include "engine/src/motion/face_composition.hpp"
#include "engine/src/motion/face_sliders.hpp"
#include "engine/src/motion/face_track.hpp"
#include "engine/src/motion/motion_windows.hpp"
#include "engine/src/pipelines/portraits.hpp"
#include "engine/src/pipelines/stage_timer.hpp"
#include "engine/src/render/cuda_portrait_frame.hpp"
#include "engine/src/render/portrait_frame.hpp"
#include "kernels/image/crop.hpp"

namespace talkrt::pipelines {
namespace {

using motion::kRowSamples;

constexpr double kRowSeconds = 0.04;
constexpr int kRowsPerFrame = 26;  // at most, at one frame per second

std::vector<float> numbers(const plan::Plan& plan, const std::string& name) {
  const std::span<const std::byte> bytes = plan.find(name)->bytes;
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

/// One graph of the plan.
struct OpenGraph {
  std::string name;
  plan::Runs runs{};
  std::unique_ptr<nn::Graph> graph;

  /// A session's use of it, that no frame has to wait for.
  [[nodiscard]] std::unique_ptr<nn::Instance> ready(device::Budget& budget, const nn::Ties& ties = {}) const {
    auto out = graph->instance(&budget, ties);
    out->warm();
    return out;
  }
};

class PortraitAvatar final : public Avatar {
 public:
  PortraitAvatar(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget, int threads,
                 const render::Gpu* gpu);
  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  /// Of whole windows, the default; a session with shorter hops looks less far ahead.
  std::int64_t look_ahead() const override { return look_ahead_of(manifest.vasa1->frames); }
  std::span<const std::string> emotions() const override { return emotions_; }
  const device::CudaDevice* gpu() const { return gpu_ == nullptr ? nullptr : &gpu_->device; }

  /// A row's, and the most that the row after a frame is later than the frame.
  static std::int64_t look_ahead_of(int hop) { return motion::window_look_ahead(hop) + kRowSamples - 1; }
  [[nodiscard]] const plan::GraphSpec& spec_of(const std::string& name) const;
  [[nodiscard]] const std::vector<std::int64_t>& rows_shape() const;
  [[nodiscard]] motion::MotionTemplate statistics() const {
    return {mean_expression, std_expression, min_pose, max_pose};
  }

  const plan::Plan& source;
  const plan::Manifest& manifest;
  // The plan's, which need not lie aligned there.
  const std::vector<float> start_motion, mean_expression, std_expression, min_pose, max_pose;
  OpenGraph portrait_motion, portrait_appearance, speech, denoise, stitch, warp, picture;
  mutable std::optional<Portraits> portraits;         // locks by itself
  mutable std::optional<motion::HeardWindows> heard;  // so does it
  std::vector<motion::Keypoints> emotion_offsets;

 private:
  OpenGraph open(nn::Backend& backend, device::Budget& budget, const std::string& name, int threads) const;

  const render::Gpu* gpu_;
  std::vector<std::string> emotions_;
};

class PortraitPipeline final : public Speaker {
 public:
  PortraitPipeline(const PortraitAvatar& avatar, std::shared_ptr<const Portrait> portrait,
                   const std::optional<render::PortraitFrame::Place>& place, const SessionSpec& spec,
                   const motion::WindowSampling& sampling, device::Budget& budget, Executor& executor)
      : avatar_(avatar),
        executor_(executor),
        portrait_(std::move(portrait)),
        multiplier_(avatar.manifest.vasa1->multiplier),
        hop_(sampling.hop),
        windows_(shape_of(avatar), {avatar.speech.ready(budget), avatar.denoise.ready(budget)}, *avatar.heard,
                 sampling, budget),
        track_(avatar.statistics(), avatar.manifest.vasa1->smoothing,
               static_cast<std::size_t>(sampling.hop + kRowsPerFrame)),
        emotions_(motion::kEmotions.size()),
        stitch_(avatar.stitch.graph ? avatar.stitch.ready(budget) : nullptr),
        warp_(avatar.warp.ready(budget, {shared(), {}, kept(avatar.warp, avatar.picture)})),
        picture_(avatar.picture.ready(budget, {{}, warped(), kept_picture(avatar)})),
        keypoints_(portrait_->face.keypoints) {
    const int side = avatar.manifest.width;
    if (avatar.gpu() == nullptr) {
      frame_.emplace(side, spec.width, spec.height, place, budget, executor);
      return;
    }
    cuda_frame_.emplace(side, spec.width, spec.height, place, *avatar.gpu(), budget, executor);
    cuda_frame_->draw(*picture_, "rgb", spec.scratch_frame.gpu);  // what the first frame takes, it has
    spec.scratch_frame.gpu.done->wait();
  }

  std::int64_t audio_end(std::int64_t position) const override {
    // Its own sample at least: how many frames a stream has must not depend on when it is known to end.
    return std::max(windows_.audio_end((position + kRowSamples - 1) / kRowSamples), position + 1);
  }

  void feed(std::span<const float> samples, StageTimes& times) override {
    while (!samples.empty()) {
      samples = samples.subspan(windows_.feed(samples));
      if (!windows_.full()) continue;
      {
        const StageTimer timer(times, TALKRT_STAGE_AUDIO);
        windows_.hear();
      }
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      windows_.denoise();
      std::span<const float> rows = windows_.made();
      const std::size_t width = rows.size() / static_cast<std::size_t>(hop_);
      for (; !rows.empty(); rows = rows.subspan(width)) track_.push(rows.first(width));
    }
  }

  void render(std::int64_t position, const talkrt_controls& controls, const PixelTarget& target,
              StageTimes& times) override {
    {
      const StageTimer timer(times, TALKRT_STAGE_MOTION);
      compose(position, controls);
    }
    {
      const StageTimer timer(times, TALKRT_STAGE_DEFORM);
      fill(warp_->input("kp_driving"), keypoints_);
      warp_->run();
    }
    {
      const StageTimer timer(times, TALKRT_STAGE_RENDER);
      picture_->run();
    }
    const StageTimer timer(times, TALKRT_STAGE_POST);
    if (cuda_frame_) return cuda_frame_->draw(*picture_, "rgb", target.gpu);
    frame_->draw(picture_->output("rgb").data(), target.pixels, target.stride, executor_);
  }

  gaussian::RasterStats draw(const gaussian::Camera&, const gaussian::Target&) override {
    throw Error(TALKRT_ERROR_UNSUPPORTED,
                avatar_.source.label() + ": a portrait has no depth to look into: pull frames instead");
  }

  void restart(std::int64_t position) override {
    track_.restart(windows_.restart(track_.unshown(), position), position);
  }

  CUstream_st* frame_stream() const override { return cuda_frame_ ? cuda_frame_->stream() : nullptr; }
  std::span<const float> channels() const override { return keypoints_; }
  std::int64_t look_ahead() const override { return PortraitAvatar::look_ahead_of(hop_); }

  std::vector<GraphUse> graphs() const override {
    std::vector<GraphUse> out;
    const auto add = [&out](const OpenGraph& graph, const nn::RunTimes& times) {
      out.push_back({graph.name, graph.runs, times});
    };
    add(avatar_.portrait_motion, portrait_->motion_times);
    add(avatar_.portrait_appearance, portrait_->appearance_times);
    add(avatar_.speech, windows_.speech().times());
    add(avatar_.denoise, windows_.denoising().times());
    if (stitch_) add(avatar_.stitch, stitch_->times());
    add(avatar_.warp, warp_->times());
    add(avatar_.picture, picture_->times());
    return out;
  }

 private:
  static motion::MotionWindows::Shape shape_of(const PortraitAvatar& avatar) {
    const plan::Vasa1Spec& spec = *avatar.manifest.vasa1;
    return {spec.frames, spec.previous, spec.steps, static_cast<std::size_t>(avatar.rows_shape().back()),
            avatar.start_motion};
  }

  static void fill(std::span<float> to, const motion::Keypoints& from) {
    std::copy(from.begin(), from.end(), to.begin());
  }

  /// The warped portrait, where both graphs are on one GPU.
  static std::span<const std::string_view> kept(const OpenGraph& warp, const OpenGraph& picture) {
    static constexpr std::array<std::string_view, 1> kWarped{"warped"};
    const bool stays = warp.graph->gpu() == picture.graph->gpu();
    return std::span(kWarped).first(stays ? 1 : 0);
  }
  /// The picture, where the GPU that composes frames made it.
  static std::span<const std::string_view> kept_picture(const PortraitAvatar& avatar) {
    static constexpr std::array<std::string_view, 1> kPicture{"rgb"};
    const bool stays = avatar.gpu() != nullptr && avatar.picture.graph->gpu() == avatar.gpu();
    return std::span(kPicture).first(stays ? 1 : 0);
  }
  [[nodiscard]] std::array<nn::Link, 1> warped() const { return {{{"warped", warp_.get(), "warped"}}}; }

  /// What every frame reads of the portrait.
  std::vector<nn::Shared> shared() const {
    std::vector<nn::Shared> out{{"kp_source", portrait_->face.keypoints}};
    for (const plan::Port& port : avatar_.spec_of(avatar_.warp.name).inputs) {
      for (const Portrait::Output& output : portrait_->appearance) {
        if (port.from == avatar_.portrait_appearance.name + "." + output.name) {
          out.push_back({port.name, output.values.as<const float>(), avatar_.warp.graph->gpu()});
        }
      }
    }
    return out;
  }

  void compose(std::int64_t position, const talkrt_controls& controls) {
    const motion::FaceMotion face = track_.at(position, [&] {
      emotion_before_ = emotion_after_;
      emotions_.step(kRowSeconds, controls.emotion, controls.emotion_intensity);
      emotion_after_ = emotion();
    });
    motion::Keypoints offset{};
    const float share = motion::FaceTrack::share(position);
    for (std::size_t i = 0; i < offset.size(); ++i) {
      offset[i] = (1 - share) * emotion_before_[i] + share * emotion_after_[i];
    }
    const motion::SourceFace& source = portrait_->face;
    keypoints_ = motion::composed(source, track_.first(), face, controls, offset);
    if (!std::all_of(keypoints_.begin(), keypoints_.end(), [](float v) { return std::isfinite(v); })) {
      throw Error(TALKRT_ERROR_BACKEND_FAILED,
                  avatar_.source.label() + ": the motion network made numbers that are not finite");
    }
    if (stitch_) {
      fill(stitch_->input("kp_source"), source.keypoints);
      fill(stitch_->input("kp_driving"), keypoints_);
      stitch_->run();
      const std::span<const float> stitched = stitch_->output("stitched");
      std::copy(stitched.begin(), stitched.end(), keypoints_.begin());
    }
    for (std::size_t i = 0; i < keypoints_.size(); ++i) {
      keypoints_[i] = source.keypoints[i] + multiplier_ * (keypoints_[i] - source.keypoints[i]);
    }
  }

  motion::Keypoints emotion() const {
    motion::Keypoints out{};
    for (std::size_t e = 0; e < emotions_.size(); ++e) {
      const auto weight = static_cast<float>(emotions_[e]);
      const motion::Keypoints& offset = avatar_.emotion_offsets[e];
      for (std::size_t i = 0; weight != 0 && i < out.size(); ++i) out[i] += weight * offset[i];
    }
    return out;
  }

  const PortraitAvatar& avatar_;
  Executor& executor_;
  std::shared_ptr<const Portrait> portrait_;
  float multiplier_;
  int hop_;
  motion::MotionWindows windows_;
  motion::FaceTrack track_;
  motion::EmotionFades emotions_;
  motion::Keypoints emotion_before_{}, emotion_after_{};
  std::unique_ptr<nn::Instance> stitch_, warp_, picture_;
  std::optional<render::PortraitFrame> frame_;  // one of the two
  std::optional<render::CudaPortraitFrame> cuda_frame_;
  motion::Keypoints keypoints_;  // of the last frame
};

PortraitAvatar::PortraitAvatar(const plan::Plan& p, nn::Backend& backend, device::Budget& budget, int threads,
                               const render::Gpu* gpu)
    : source(p),
      manifest(p.manifest()),
      start_motion(numbers(p, "vasa1/start_motion")),
      mean_expression(numbers(p, "vasa1/mean_exp")),
      std_expression(numbers(p, "vasa1/std_exp")),
      min_pose(numbers(p, "vasa1/min_pose")),
      max_pose(numbers(p, "vasa1/max_pose")),
      gpu_(gpu),
      emotions_(motion::kEmotions.begin(), motion::kEmotions.end()) {
  for (std::size_t e = 0; e < emotions_.size(); ++e) emotion_offsets.push_back(motion::emotion_offset(e));
  const plan::Vasa1Spec& spec = *manifest.vasa1;
  const auto opened = [&](const std::string& name, int workers) {
    return open(backend, budget, name, workers);
  };
  portrait_motion = opened(spec.graphs.portrait_motion, threads);
  portrait_appearance = opened(spec.graphs.portrait_appearance, threads);
  speech = opened(spec.graphs.speech, threads);
  denoise = opened(spec.graphs.denoise, threads);
  if (spec.stitching) stitch = opened(spec.graphs.stitch, 1);
  warp = opened(spec.graphs.warp, threads);
  picture = opened(spec.graphs.picture, threads);

  std::vector<std::string> outputs;
  for (const plan::Port& port : spec_of(spec.graphs.warp).inputs) {
    const std::string prefix = spec.graphs.portrait_appearance + ".";
    if (port.from.starts_with(prefix)) outputs.push_back(port.from.substr(prefix.size()));
  }
  portraits.emplace(Portraits::Graphs{*portrait_motion.graph, *portrait_appearance.graph, std::move(outputs),
                                      warp.graph->gpu()},
                    manifest.width, budget);

  const std::vector<std::int64_t>& rows = rows_shape();
  if (rows.size() != 4 || rows[1] != 2 || rows[2] != spec.previous + spec.frames) {
    throw Error(TALKRT_ERROR_PLAN_UNSUPPORTED,
                source.label() + ": rows of graph \"" + spec.graphs.speech +
                    "\" are not [layers, 2, previous + frames, width], which this version moves windows by");
  }
  const std::size_t numbers_of_rows = static_cast<std::size_t>(rows[0] * rows[1] * rows[2] * rows[3]);
  heard.emplace(static_cast<std::size_t>(spec.frames * kRowSamples), numbers_of_rows, budget);
}

const std::vector<std::int64_t>& PortraitAvatar::rows_shape() const {
  const plan::GraphSpec& spec = spec_of(speech.name);
  return std::find_if(spec.outputs.begin(), spec.outputs.end(),
                      [](const auto& port) { return port.name == "rows"; })
      ->shape;
}

const plan::GraphSpec& PortraitAvatar::spec_of(const std::string& name) const {
  return *std::find_if(manifest.graphs.begin(), manifest.graphs.end(), [&](const auto& graph) {
    return graph.name == name;
  });  // the plan reader has checked it
}

OpenGraph PortraitAvatar::open(nn::Backend& backend, device::Budget& budget, const std::string& name,
                               int threads) const {
  const plan::GraphSpec& spec = spec_of(name);
  return {name, spec.runs, backend.open(source, spec, threads, &budget)};
}

std::unique_ptr<Pipeline> PortraitAvatar::begin(const SessionSpec& spec, device::Budget& budget,
                                                Executor& executor) const {
  const plan::Vasa1Spec& model = *manifest.vasa1;
  const PortraitSpec& given = spec.portrait;
  const int side = manifest.width;
  const auto area = static_cast<std::size_t>(given.width) * static_cast<std::size_t>(given.height);
  // Opaque, as the networks and the frame's surroundings want it.
  const device::Buffer opaque(budget, "portrait as given", 4 * area),
      rgb(budget, "portrait as given", 3 * area);
  image::over_white(given.pixels, given.channels, area, opaque.as<std::uint8_t>().data(),
                    rgb.as<std::uint8_t>().data());
  const device::Buffer crop(budget, "portrait's crop",
                            std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  image::cut({rgb.as<std::uint8_t>().data(), given.width, given.height}, given.to_crop.inverse(), side,
             crop.as<std::uint8_t>().data(), executor);

  std::optional<render::PortraitFrame::Place> place;
  if (!given.crop_only)
    place = {{opaque.as<std::uint8_t>().data(), given.width, given.height}, given.to_crop};
  motion::WindowSampling sampling;
  sampling.seed = spec.seed;
  sampling.steps = spec.diffusion.steps == 0 ? model.default_steps : spec.diffusion.steps;
  sampling.eta = spec.diffusion.eta;
  sampling.guidance = spec.diffusion.guidance < 0 ? model.guidance : spec.diffusion.guidance;
  sampling.hop = spec.diffusion.hop == 0 ? model.frames : spec.diffusion.hop;
  return std::make_unique<PortraitPipeline>(*this, portraits->get(crop.as<std::uint8_t>()), place, spec,
                                            sampling, budget, executor);
}

}  // namespace

std::unique_ptr<Avatar> open_vasa1(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                   int threads, const render::Gpu* gpu) {
  return std::make_unique<PortraitAvatar>(plan, backend, budget, threads, gpu);
}

}  // namespace talkrt::pipelines
