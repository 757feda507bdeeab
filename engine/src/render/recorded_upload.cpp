// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/recorded_upload.hpp"

#include <algorithm>
#include <cstring>

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

std::size_t lanes_of(const gaussian::Splats& splats) {
  return static_cast<std::size_t>(gaussian::blocks_of(splats.count)) * kBlock;
}

/// Calls visit(array, where networks write it, channels) for each that graphs make.
template <class Visit>
void for_each_moved(const gaussian::Splats& splats, Visit visit) {
  using gaussian::PosedSplats, gaussian::Splats;
  visit(&Splats::means, &PosedSplats::means, std::size_t{3});
  visit(&Splats::frames, &PosedSplats::frames, std::size_t{9});
  visit(&Splats::opacities, &PosedSplats::opacities, std::size_t{1});
  if (splats.sh_degree == gaussian::kPlainColors) visit(&Splats::sh, &PosedSplats::sh, std::size_t{3});
}

std::size_t moved_bytes(const deform::Mover& mover) {
  std::size_t out = 0;
  if (!mover.by_graphs()) return out;
  for_each_moved(mover.splats(), [&](auto, auto, std::size_t channels) {
    out += aligned(channels * lanes_of(mover.splats()) * sizeof(float));
  });
  return out;
}

}  // namespace

RecordedUpload::Layout::Layout(const deform::CudaNetworks& networks, std::size_t moved_size,
                               std::size_t torso_size) {
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
  moved = part(moved_size);
  torso = part(torso_size);
}

RecordedUpload::RecordedUpload(const deform::Mover& mover, const deform::CudaNetworks& networks,
                               const gaussian::Splats& rest, const TrackPicture& picture, const Gpu& gpu,
                               device::Budget& budget)
    : mover_(&mover),
      networks_(&networks),
      picture_(picture),
      layout_(networks, moved_bytes(mover), picture.torso_bytes()),
      rest_(rest),
      posed_(rest) {
  frame_ = device::Buffer(budget, "an avatar's frame on the GPU", layout_.bytes, device::MemoryKind::device,
                          gpu.device);
  for (device::Buffer& slot : slots_) {
    slot = device::Buffer(budget, "an avatar's frames on their way", layout_.bytes,
                          device::MemoryKind::pinned, gpu.device);
  }
  if (mover.by_graphs()) place_moved_by_graphs(mover.splats());
  place_moved_by_networks(mover.splats(), gpu, budget);
}

/// Where graphs move any, all are copied with the frame, and networks write over theirs there.
void RecordedUpload::place_moved_by_graphs(const gaussian::Splats& host) {
  posed_.sh_degree = host.sh_degree;
  std::byte* at = frame_.data() + layout_.moved;
  for_each_moved(host, [&](auto array, auto written, std::size_t channels) {
    out_.*written = reinterpret_cast<float*>(at);
    posed_.*array = out_.*written;
    at += aligned(channels * lanes_of(host) * sizeof(float));
  });
}

/// Arrays of this session for what networks move, at rest until a frame moves them.
void RecordedUpload::place_moved_by_networks(const gaussian::Splats& host, const Gpu& gpu,
                                             device::Budget& budget) {
  const auto own = [&](device::Buffer& buffer, const char* what, const float* from, std::size_t channels,
                       const float*& posed, float*& out) {
    if (out != nullptr) return;
    const std::size_t floats = channels * lanes_of(host);
    buffer = device::Buffer(budget, what, floats * sizeof(float), device::MemoryKind::device, gpu.device);
    gpu.device.copy_in(buffer.data(), std::as_bytes(std::span(from, floats)));
    out = buffer.as<float>().data();
    posed = out;
  };
  const auto any = [&](auto of_layers, auto of_attention) {
    return std::any_of(networks_->layered().begin(), networks_->layered().end(), of_layers) ||
           std::any_of(networks_->attending().begin(), networks_->attending().end(), of_attention);
  };
  const auto never = [](const auto&) { return false; };
  const auto always = [](const auto&) { return true; };
  if (any(always, always)) own(means_, "posed means on the GPU", host.means, 3, posed_.means, out_.means);
  if (any([](const auto& n) { return n.turns(); }, [](const auto& n) { return n.turns(); })) {
    own(frames_, "posed frames on the GPU", host.frames, 9, posed_.frames, out_.frames);
  }
  if (any(never, [](const auto& n) { return n.fade.width > 0; })) {
    own(opacities_, "posed opacities on the GPU", host.opacities, 1, posed_.opacities, out_.opacities);
  }
  if (any(never, [](const auto& n) { return n.paint.width > 0; })) {
    own(sh_, "posed colours on the GPU", host.sh,
        3 * static_cast<std::size_t>(gaussian::sh_bases(host.sh_degree)), posed_.sh, out_.sh);
  }
}

const std::uint8_t* RecordedUpload::torso() const noexcept {
  return picture_.torsos == nullptr ? nullptr
                                    : reinterpret_cast<const std::uint8_t*>(frame_.data() + layout_.torso);
}

void RecordedUpload::fill(const gaussian::CudaTrack& track, bool moved, int torso, cuda::Recorded& out) {
  std::byte* to = slots_[turn_ % slots_.size()].data();
  ++turn_;
  std::memcpy(to + layout_.track, &track, sizeof track);
  std::size_t bytes = layout_.layers;  // of what is copied
  out.layers_count = out.attention_count = 0;
  const bool other_torso = torso >= 0 && picture_.torsos != nullptr;
  if (moved || other_torso) {  // what is copied is one piece, so a torso brings what is before it
    write_networks(to, out);
    write_moved(to);
    bytes = layout_.torso;
  }
  if (other_torso) {
    std::memcpy(to + layout_.torso, picture_.torso(torso), picture_.torso_bytes());
    bytes = layout_.bytes;
  }
  out.in = {to, frame_.data(), bytes};
  out.track = reinterpret_cast<const gaussian::CudaTrack*>(frame_.data() + layout_.track);
}

/// As they are at work in this frame, with what the mover feeds them.
void RecordedUpload::write_networks(std::byte* to, cuda::Recorded& out) const {
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
  out.layers = reinterpret_cast<const gaussian::CudaLayers*>(frame_.data() + layout_.layers);
  out.attention = reinterpret_cast<const gaussian::CudaAttention*>(frame_.data() + layout_.attention);
  out.layers_count = static_cast<int>(networks_->layered().size());
  out.attention_count = static_cast<int>(networks_->attending().size());
}

void RecordedUpload::write_moved(std::byte* to) const {
  if (!mover_->by_graphs()) return;
  const gaussian::Splats& host = mover_->splats();
  to += layout_.moved;
  for_each_moved(host, [&](auto array, auto, std::size_t channels) {
    const std::size_t size = channels * lanes_of(host) * sizeof(float);
    std::memcpy(to, host.*array, size);
    to += aligned(size);
  });
}

}  // namespace talkrt::render
