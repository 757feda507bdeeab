// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_portrait_frame.hpp"

#include <algorithm>

namespace talkrt::render {
namespace {

constexpr std::size_t kWays = 2;  // one is filled while the GPU still reads the other

}  // namespace

CudaPortraitFrame::CudaPortraitFrame(int side, int width, int height,
                                     const std::optional<PortraitFrame::Place>& place,
                                     const device::CudaDevice& gpu, device::Budget& budget,
                                     Executor& executor)
    : gpu_(&gpu), budget_(&budget), composing_(gpu), copying_(gpu), composed_(gpu) {
  portrait_.side = side;
  portrait_.width = width;
  portrait_.height = height;
  if (!place) return;
  const PortraitFrame::Surroundings around(side, width, height, *place, budget, executor);
  const auto moved = [&](const device::Buffer& host, const char* what) {
    device::Buffer out(budget, what, host.size(), device::MemoryKind::device, gpu);
    gpu.copy_in(out.data(), {host.data(), host.size()});
    return out;
  };
  background_ = moved(around.picture, "portrait's picture on the GPU");
  mask_ = moved(around.mask, "portrait's mask on the GPU");
  portrait_.background = background_.as<std::uint8_t>().data();
  portrait_.mask = mask_.as<double>().data();
  portrait_.to_picture = around.to_frame;
}

const float* CudaPortraitFrame::brought(std::span<const float> planes) {
  if (ways_.empty()) {
    planes_ = device::Buffer(*budget_, "network's picture on the GPU", planes.size_bytes(),
                             device::MemoryKind::device, *gpu_);
    for (std::size_t i = 0; i < kWays; ++i) {
      device::Buffer pinned(*budget_, "network's pictures on their way", planes.size_bytes(),
                            device::MemoryKind::pinned, *gpu_);
      ways_.push_back({std::move(pinned), device::CudaTicket(*gpu_)});
    }
  }
  Way& way = ways_[turn_++ % ways_.size()];
  way.read.wait();
  std::copy(planes.begin(), planes.end(), way.pinned.as<float>().begin());
  composing_.copy(planes_.data(), way.pinned.data(), planes.size_bytes());
  composing_.mark(way.read);
  return planes_.as<float>().data();
}

void CudaPortraitFrame::draw(const nn::Instance& network, std::string_view output,
                             const frame::CudaPicture& out) {
  const auto made = network.device_output(output);
  const bool here = made && &made->stream->gpu() == gpu_;
  if (here) composing_.wait_for(*made->written);
  portrait_.planes = here ? made->data.data() : brought(network.output(output));
  const frame::PixelLayout& layout = out.layout;
  portrait_.rgba8 = portrait_.luma = portrait_.chroma = nullptr;
  portrait_.rgba_float = nullptr;
  portrait_.stride = layout.stride();
  switch (layout.format) {
    case TALKRT_PIXELS_RGBA8:
      portrait_.rgba8 = out.device;
      break;
    case TALKRT_PIXELS_NV12:
      portrait_.luma = out.device;
      portrait_.chroma = out.device + layout.stride() * layout.height;
      break;
    case TALKRT_PIXELS_RGBA_F32:
      portrait_.rgba_float = reinterpret_cast<float*>(out.device);
      break;
  }
  gpu_->call([&](auto& table, auto* why) {
    return table.compose(gpu_->index(), composing_.handle(), &portrait_, why);
  });
  composing_.mark(composed_);
  if (here) made->stream->wait_for(composed_);
  if (out.pinned == nullptr) return composing_.mark(*out.done);
  copying_.wait_for(composed_);
  copying_.copy(out.pinned, out.device, layout.bytes());
  copying_.mark(*out.done);
}

}  // namespace talkrt::render
