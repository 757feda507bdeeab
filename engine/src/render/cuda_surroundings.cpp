// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_surroundings.hpp"

namespace talkrt::render {

CudaSurroundings::CudaSurroundings(const TrackPicture& picture, const std::uint8_t* plain,
                                   const std::uint8_t* torso, bool grows, int width, int height,
                                   const device::CudaDevice& gpu, device::Budget& budget) {
  track_.background = plain;
  track_.torso = torso;
  track_.width = picture.width;
  track_.height = picture.height;
  track_.top = picture.top;
  track_.left = picture.left;
  track_.rows = picture.rows;
  track_.columns = picture.columns;
  track_.frame_width = width;
  track_.frame_height = height;
  const auto take = [&](const char* what, std::size_t floats) {
    return device::Buffer(budget, what, floats * sizeof(float), device::MemoryKind::device, gpu);
  };
  const std::size_t size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (grows) {
    light_ = take("layers on the GPU", 4 * size);
    behind_ = take("layers on the GPU", size);
  }
  if (plain == nullptr) {
    background_.kind = gaussian::Backdrop::transparent;
  } else if (picture.bytes) {
    composed_ = device::Buffer(budget, "background on the GPU", 3 * size, device::MemoryKind::device, gpu);
    background_.kind = gaussian::Backdrop::image;
    background_.image = track_.image = composed_.as<std::uint8_t>().data();
  } else {
    composed_ = take("background on the GPU", 3 * size);
    background_.kind = gaussian::Backdrop::picture;
    background_.picture = track_.picture = composed_.as<float>().data();
  }
}

gaussian::CudaTrack CudaSurroundings::track(float distance) const noexcept {
  gaussian::CudaTrack out = track_;
  out.step = distance * static_cast<float>(out.height) / static_cast<float>(out.frame_height);
  return out;
}

void CudaSurroundings::dress(gaussian::CudaTarget& target) const noexcept {
  target.cut_off = true;  // as the original programs do
  if (light_.size() == 0) return;
  target.light = light_.as<float>().data();
  target.behind = behind_.as<float>().data();
}

}  // namespace talkrt::render
