// SPDX-License-Identifier: Apache-2.0
//
// Pictures of one size on a GPU, drawn from any camera of the host's, into memory of the host's.
#pragma once

#include <optional>

#include "engine/src/render/cuda_renderer.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class CudaViewPictures {
 public:
  /// `gpu` and `budget` must outlive it; `rig` has its arrays on the GPU. `avatar` as CudaRenderer has it.
  CudaViewPictures(const gaussian::RigView& rig, const gaussian::RasterOptions& options, const Gpu& gpu,
                   device::Budget& budget, const gaussian::CudaAvatarLimits& avatar = {});

  [[nodiscard]] bool fits(const gaussian::Camera& camera) const noexcept {
    return camera.width == width_ && camera.height == height_;
  }
  /// Gives back what it holds: the largest views have no room for the last one's beside their own.
  void forget();
  /// Takes what pictures of the camera's size need. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  void make_room(const gaussian::Camera& camera);

  /// After make_room(). `background` and all in `dress` that is beside the pictures are of the camera's size,
  /// on the GPU. Returns when `target` is filled. Throws DEVICE_LOST, BACKEND_FAILED.
  gaussian::RasterStats draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                             const gaussian::Background& background, CudaOutput dress,
                             const gaussian::Target& target);

 private:
  void copy_rows(const gaussian::Target& target, std::size_t row, int rows) const;

  gaussian::RigView rig_;
  gaussian::RasterOptions options_;
  Gpu gpu_;
  device::Budget* budget_;
  gaussian::CudaAvatarLimits avatar_;
  int width_ = 0, height_ = 0;
  std::optional<CudaRenderer> renderer_;
  device::CudaTicket done_;
  device::Buffer rgba8_, rgba_, depth_;  // device
};

}  // namespace talkrt::render
