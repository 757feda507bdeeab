// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_view_pictures.hpp"

namespace talkrt::render {

CudaViewPictures::CudaViewPictures(const gaussian::RigView& rig, const gaussian::RasterOptions& options,
                                   const Gpu& gpu, device::Budget& budget,
                                   const gaussian::CudaAvatarLimits& avatar)
    : rig_(rig), options_(options), gpu_(gpu), budget_(&budget), avatar_(avatar), done_(gpu.device) {}

void CudaViewPictures::forget() {
  width_ = height_ = 0;
  renderer_.reset();
  for (device::Buffer* buffer : {&rgba8_, &rgba_, &depth_}) *buffer = device::Buffer();
}

void CudaViewPictures::make_room(const gaussian::Camera& camera) {
  const std::size_t pixels = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
  const auto take = [&](std::size_t bytes) {
    return device::Buffer(*budget_, "views on the GPU", bytes, device::MemoryKind::device, gpu_.device);
  };
  rgba8_ = take(pixels * 4);
  rgba_ = take(pixels * 4 * sizeof(float));
  depth_ = take(pixels * sizeof(float));
  renderer_.emplace(rig_, options_, camera.width, camera.height, gpu_, *budget_, avatar_);
  width_ = camera.width;
  height_ = camera.height;
}

void CudaViewPictures::copy_rows(const gaussian::Target& target, std::size_t row, int rows) const {
  const bool packed = target.rgba8_stride == static_cast<std::int64_t>(row);
  const std::size_t step = packed ? row * static_cast<std::size_t>(rows) : row;
  for (int i = 0; i < (packed ? 1 : rows); ++i) {
    auto* to = reinterpret_cast<std::byte*>(target.rgba8 + i * target.rgba8_stride);
    gpu_.device.copy_out({to, step}, rgba8_.data() + static_cast<std::size_t>(i) * row);
  }
}

gaussian::RasterStats CudaViewPictures::draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                                             const gaussian::Background& background, CudaOutput dress,
                                             const gaussian::Target& target) {
  const std::size_t row = static_cast<std::size_t>(camera.width) * 4;
  if (target.rgba8 != nullptr) {
    dress.target.rgba8 = rgba8_.as<std::uint8_t>().data();
    dress.target.rgba8_stride = static_cast<std::int64_t>(row);
  }
  if (target.rgba_float != nullptr) dress.target.rgba_float = rgba_.as<float>().data();
  if (target.depth != nullptr) dress.target.depth = depth_.as<float>().data();
  dress.done = &done_;
  renderer_->draw(pose, camera, background, dress);
  done_.wait();
  if (target.rgba8 != nullptr) copy_rows(target, row, camera.height);
  const auto whole = [&](float* to, const device::Buffer& from) {
    if (to != nullptr) gpu_.device.copy_out({reinterpret_cast<std::byte*>(to), from.size()}, from.data());
  };
  whole(target.rgba_float, rgba_);
  whole(target.depth, depth_);
  const gaussian::CudaStats counted = renderer_->stats();
  gaussian::RasterStats out;
  out.visible = counted.visible;
  out.intersections = counted.intersections;
  out.invalid = counted.invalid;
  out.complete = true;
  return out;
}

}  // namespace talkrt::render
