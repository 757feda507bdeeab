// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/src/render/cuda_renderer.hpp"
#include "engine/src/render/recorded_renderer.hpp"

namespace talkrt::render {
namespace {

using gaussian::kBlock;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

std::size_t mix_floats(const gaussian::PointNetwork& network) {
  return static_cast<std::size_t>(std::max(network.attended, 1)) *
         static_cast<std::size_t>(network.widths[0]);
}
std::size_t mix_floats(const gaussian::AttentionNetwork& network) {
  return static_cast<std::size_t>(network.layers) * static_cast<std::size_t>(2 * network.width + 1) *
         static_cast<std::size_t>(network.attended());
}
std::size_t hide_floats(const gaussian::AttentionNetwork& network) {
  return static_cast<std::size_t>(network.attended() + 1) * static_cast<std::size_t>(network.hidden);
}

/// Where things lie in what is copied to the GPU for a frame: in the order in which frames may do without the
/// end of it.
struct FrameLayout {
  std::size_t track = 0, layers = 0, attention = 0, inputs = 0, torso = 0, bytes = 0;

  FrameLayout(const deform::CudaNetworks& networks, const TrackPicture& picture) {
    const auto part = [&](std::size_t size) {
      const std::size_t at = bytes;
      bytes += aligned(size);
      return at;
    };
    track = part(sizeof(gaussian::CudaTrack));
    layers = part(networks.layered().size() * sizeof(gaussian::CudaLayers));
    attention = part(networks.attending().size() * sizeof(gaussian::CudaAttention));
    inputs = bytes;
    for (const auto& network : networks.layered()) part(mix_floats(network) * sizeof(float));
    for (const auto& network : networks.attending()) {
      part(mix_floats(network) * sizeof(float));
      part(hide_floats(network) * sizeof(float));
    }
    torso = part(picture.torso_bytes());
  }
};

class CudaRecordedRenderer final : public RecordedRenderer {
 public:
  CudaRecordedRenderer(const RecordedScene& scene, const deform::CudaRig& rest,
                       const deform::CudaNetworks& networks, const Gpu& gpu, device::Budget& budget)
      : mover_(&scene.mover),
        networks_(&networks),
        picture_(scene.backdrop.picture()),
        layout_(networks, picture_),
        rest_(rest.view().rest),
        posed_(rest_) {
    const auto take = [&](const char* what, std::size_t bytes) {
      return device::Buffer(budget, what, bytes, device::MemoryKind::device, gpu.device);
    };
    frame_ = take("an avatar's frame on the GPU", layout_.bytes);
    for (device::Buffer& slot : slots_) {
      slot = device::Buffer(budget, "an avatar's frames on their way", layout_.bytes,
                            device::MemoryKind::pinned, gpu.device);
    }
    make_room(scene.mover.splats(), gpu, take);
    take_background(scene, gpu, take);
    const gaussian::Camera& camera = scene.first_frame.camera;
    if (scene.dilate) {
      const std::size_t pixels =
          static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
      light_ = take("layers on the GPU", pixels * 4 * sizeof(float));
      behind_ = take("layers on the GPU", pixels * sizeof(float));
    }
    for (const auto& network : networks.layered()) {
      recorded_.layers_rows = std::max(recorded_.layers_rows, move_rows_of(network));
    }
    for (const auto& network : networks.attending()) {
      recorded_.attention_rows = std::max(recorded_.attention_rows, move_rows_of(network));
    }
    gaussian::RigView rig;
    rig.rest = posed_;
    gaussian::CudaAvatarLimits needs{recorded_.layers_rows, recorded_.attention_rows};
    needs.takes_in = true;
    needs.composes = !picture_.transparent;
    needs.grows = scene.dilate;
    needs.lays_under = picture_.transparent && picture_.torsos != nullptr;
    renderer_ =
        std::make_unique<CudaRenderer>(rig, scene.options, camera.width, camera.height, gpu, budget, needs);
    draw(scene.first_frame, scene.scratch_frame);
    scene.scratch_frame.gpu.done->wait();
  }

  void draw(const RecordedFrame& frame, const frame::PixelTarget& target) override {
    std::byte* to = slots_[turn_ % slots_.size()].data();
    ++turn_;
    std::size_t bytes = layout_.layers;  // of what is copied
    recorded_.layers_count = recorded_.attention_count = 0;
    if (frame.changed) {
      fill_networks(to);
      bytes = layout_.torso;
    }
    const bool other_torso = frame.track_frame != track_frame_, other_size = frame.distance != distance_;
    if (other_torso && picture_.torsos != nullptr) {
      std::memcpy(to + layout_.torso, picture_.torso(frame.track_frame), picture_.torso_bytes());
      if (!frame.changed) fill_networks(to);  // so that what is copied is one piece
      bytes = layout_.bytes;
    }
    fill_track(to, frame.distance);
    recorded_.in = {to, frame_.data(), bytes};
    recorded_.composes = !picture_.transparent && (other_torso || other_size);
    recorded_.lays_under = picture_.transparent && picture_.torsos != nullptr;
    track_frame_ = -1;  // until the GPU was told
    tell(frame, target);
    track_frame_ = frame.track_frame;
    distance_ = frame.distance;
  }

 private:
  /// Arrays of this session for what networks move, at rest until a frame moves them.
  template <class Take>
  void make_room(const gaussian::Splats& host, const Gpu& gpu, const Take& take) {
    const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(host.count)) * kBlock;
    const auto own = [&](device::Buffer& buffer, const char* what, const float* from, std::size_t channels,
                         const float*& posed, float*& out) {
      buffer = take(what, channels * lanes * sizeof(float));
      gpu.device.copy_in(buffer.data(), std::as_bytes(std::span(from, channels * lanes)));
      out = buffer.as<float>().data();
      posed = out;
    };
    const auto any = [&](auto of_layers, auto of_attention) {
      return std::any_of(networks_->layered().begin(), networks_->layered().end(), of_layers) ||
             std::any_of(networks_->attending().begin(), networks_->attending().end(), of_attention);
    };
    own(means_, "posed means on the GPU", host.means, 3, posed_.means, out_.means);
    if (any([](const auto& n) { return n.turns(); }, [](const auto& n) { return n.turns(); })) {
      own(frames_, "posed frames on the GPU", host.frames, 9, posed_.frames, out_.frames);
    }
    const auto never = [](const auto&) { return false; };
    if (any(never, [](const auto& n) { return n.fade.width > 0; })) {
      own(opacities_, "posed opacities on the GPU", host.opacities, 1, posed_.opacities, out_.opacities);
    }
    if (any(never, [](const auto& n) { return n.paint.width > 0; })) {
      own(sh_, "posed colours on the GPU", host.sh,
          3 * static_cast<std::size_t>(gaussian::sh_bases(host.sh_degree)), posed_.sh, out_.sh);
    }
  }

  template <class Take>
  void take_background(const RecordedScene& scene, const Gpu& gpu, const Take& take) {
    const gaussian::Camera& camera = scene.first_frame.camera;
    track_.width = picture_.width;
    track_.height = picture_.height;
    track_.top = picture_.top;
    track_.left = picture_.left;
    track_.rows = picture_.rows;
    track_.columns = picture_.columns;
    track_.frame_width = camera.width;
    track_.frame_height = camera.height;
    if (picture_.torsos != nullptr) {
      track_.torso = reinterpret_cast<const std::uint8_t*>(frame_.data() + layout_.torso);
    }
    recorded_.track = reinterpret_cast<const gaussian::CudaTrack*>(frame_.data() + layout_.track);
    if (picture_.transparent) {
      background_.kind = gaussian::Backdrop::transparent;
      return;
    }
    plain_ = take("background on the GPU", picture_.background.size());
    gpu.device.copy_in(plain_.data(), std::as_bytes(picture_.background));
    track_.background = plain_.as<std::uint8_t>().data();
    const std::size_t values =
        static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height) * 3;
    composed_ = take("background on the GPU", picture_.bytes ? values : values * sizeof(float));
    if (picture_.bytes) {
      background_.kind = gaussian::Backdrop::image;
      background_.image = track_.image = composed_.as<std::uint8_t>().data();
    } else {
      background_.kind = gaussian::Backdrop::picture;
      background_.picture = track_.picture = composed_.as<float>().data();
    }
  }

  void fill_track(std::byte* to, float distance) {
    track_.step = distance * static_cast<float>(track_.height) / static_cast<float>(track_.frame_height);
    std::memcpy(to + layout_.track, &track_, sizeof track_);
  }

  /// The networks as they are at work in this frame, with what the mover feeds them.
  void fill_networks(std::byte* to) {
    const gaussian::Movement movement = mover_->movement();
    std::size_t at = layout_.inputs;
    const auto copied = [&](const float* from, std::size_t floats) {
      std::memcpy(to + at, from, floats * sizeof(float));
      const auto* there = reinterpret_cast<const float*>(frame_.data() + at);
      at += aligned(floats * sizeof(float));
      return there;
    };
    for (std::size_t i = 0; i < networks_->layered().size(); ++i) {
      const gaussian::PointNetwork& network = networks_->layered()[i];
      const gaussian::NetworkInput& input = movement.inputs[i];
      const gaussian::CudaLayers job{
          rest_, network, {copied(input.mix, mix_floats(network)), input.strength}, out_};
      std::memcpy(to + layout_.layers + i * sizeof job, &job, sizeof job);
    }
    for (std::size_t i = 0; i < networks_->attending().size(); ++i) {
      const gaussian::AttentionNetwork& network = networks_->attending()[i];
      const gaussian::AttentionInput& input = movement.attention_inputs[i];
      const float* mix = copied(input.mix, mix_floats(network));
      const gaussian::CudaAttention job{
          rest_, network, {mix, copied(input.hide, hide_floats(network)), input.strength}, out_};
      std::memcpy(to + layout_.attention + i * sizeof job, &job, sizeof job);
    }
    recorded_.layers = reinterpret_cast<const gaussian::CudaLayers*>(frame_.data() + layout_.layers);
    recorded_.attention = reinterpret_cast<const gaussian::CudaAttention*>(frame_.data() + layout_.attention);
    recorded_.layers_count = static_cast<int>(networks_->layered().size());
    recorded_.attention_count = static_cast<int>(networks_->attending().size());
  }

  void tell(const RecordedFrame& frame, const frame::PixelTarget& target) {
    CudaOutput output = output_of(target.gpu);
    output.target.cut_off = true;  // as the original programs do
    if (light_.size() != 0) {
      output.target.light = light_.as<float>().data();
      output.target.behind = behind_.as<float>().data();
    }
    output.recorded = &recorded_;
    renderer_->draw({}, frame.camera, background_, output);
  }

  const deform::Mover* mover_;
  const deform::CudaNetworks* networks_;
  TrackPicture picture_;
  FrameLayout layout_;
  gaussian::Splats rest_, posed_;
  gaussian::PosedSplats out_;
  device::Buffer means_, frames_, opacities_, sh_;  // on the GPU, as all but the slots
  device::Buffer plain_, composed_, light_, behind_, frame_;
  // One more than draws under way: the oldest has been read when it is written again.
  std::array<device::Buffer, cuda::kUnderWay + 1> slots_;
  std::size_t turn_ = 0;
  gaussian::CudaTrack track_;
  gaussian::Background background_;
  cuda::Recorded recorded_;
  std::unique_ptr<CudaRenderer> renderer_;
  int track_frame_ = -1;  // that is composed on the GPU
  float distance_ = 0;
};

}  // namespace

std::unique_ptr<RecordedRenderer> recorded_renderer_cuda(const RecordedScene& scene,
                                                         const deform::CudaRig& rest,
                                                         const deform::CudaNetworks& networks, const Gpu& gpu,
                                                         device::Budget& budget) {
  return std::make_unique<CudaRecordedRenderer>(scene, rest, networks, gpu, budget);
}

}  // namespace talkrt::render
