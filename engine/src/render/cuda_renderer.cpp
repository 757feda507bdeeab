// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_renderer.hpp"

#include <algorithm>
#include <cstring>

namespace talkrt::render {

CudaOutput output_of(const frame::CudaPicture& picture) {
  CudaOutput out;
  const frame::PixelLayout& layout = picture.layout;
  switch (layout.format) {
    case TALKRT_PIXELS_RGBA8:
      out.target.rgba8 = picture.device;
      out.target.rgba8_stride = layout.stride();
      break;
    case TALKRT_PIXELS_NV12:
      out.target.luma = picture.device;
      out.target.luma_stride = out.target.chroma_stride = layout.stride();
      out.target.chroma = picture.device + layout.stride() * layout.height;
      break;
    case TALKRT_PIXELS_RGBA_F32:
      out.target.rgba_float = reinterpret_cast<float*>(picture.device);
      break;
  }
  if (picture.pinned != nullptr) {
    out.copies[out.copy_count++] = {picture.device, picture.pinned, layout.bytes()};
  }
  out.done = picture.done;
  return out;
}

CudaRenderer::CudaRenderer(const gaussian::RigView& rig, const gaussian::RasterOptions& options, int width,
                           int height, const Gpu& gpu, device::Budget& budget,
                           const gaussian::CudaAvatarLimits& avatar)
    : batch_(&gpu.batch), options_(options) {
  limits_.count = rig.rest.count;
  limits_.width = width;
  limits_.height = height;
  limits_.shapes = rig.shapes;
  limits_.joints = rig.joints;
  limits_.avatar = avatar;
  scratch_ = device::Buffer(budget, "rasterizer scratch on the GPU",
                            gaussian::lay_out_cuda_scratch(limits_, nullptr).bytes,
                            device::MemoryKind::device, gpu.device);
  stats_ = device::Buffer(budget, "counts of the rasterizer", sizeof(gaussian::CudaStats),
                          device::MemoryKind::pinned, gpu.device);
  gpu.batch.prepare(limits_);
  job_.view.rig = rig;
  job_.view.scratch = gaussian::lay_out_cuda_scratch(limits_, scratch_.data());
  job_.view.scratch.stats = stats_.as<gaussian::CudaStats>().data();
  job_.view.bin_capacity = limits_.bin_capacity;
}

void CudaRenderer::draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                        const gaussian::Background& background, const CudaOutput& output) {
  job_.shape_weights = pose.shape_weights;
  job_.joint_matrices = pose.joint_matrices;
  job_.view.camera = gaussian::prepare_cuda_camera(camera, options_);
  job_.view.background = background;
  job_.view.target = output.target;
  std::copy_n(output.copies, output.copy_count, job_.copies);
  job_.copy_count = output.copy_count;
  job_.recorded = output.recorded;
  job_.done = output.done == nullptr ? nullptr : output.done->get();
  batch_->draw(job_);
}

gaussian::CudaStats CudaRenderer::stats() const noexcept {
  gaussian::CudaStats out;
  std::memcpy(&out, stats_.data(), sizeof out);
  return out;
}

CudaBackdrop::CudaBackdrop(const gaussian::Background& host, int width, int height,
                           const device::CudaDevice& gpu, device::Budget& budget)
    : view_(host) {
  if (host.kind != gaussian::Backdrop::image) return;
  const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  picture_ = device::Buffer(budget, "background on the GPU", bytes, device::MemoryKind::device, gpu);
  gpu.copy_in(picture_.data(), {reinterpret_cast<const std::byte*>(host.image), bytes});
  view_.image = picture_.as<std::uint8_t>().data();
}

}  // namespace talkrt::render
