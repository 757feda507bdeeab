// SPDX-License-Identifier: Apache-2.0
//
// Views from any camera of the host's, drawn by a GPU into memory of the host's. Takes what a size needs when
// such a view is first asked for, keeps it for the next one, and has nothing to do with a session's own
// frames.
#pragma once

#include <optional>

#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/cuda_renderer.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class CudaViews {
 public:
  /// All must outlive it; `rig` has its arrays on the GPU.
  CudaViews(const gaussian::RigView& rig, const gaussian::RasterOptions& options, const Backdrop& backdrop,
            const Gpu& gpu, device::Budget& budget);

  /// Returns when the pictures are there. An empty `pose` is the rig at rest. Throws OUT_OF_BUDGET,
  /// OUT_OF_MEMORY, DEVICE_LOST.
  gaussian::RasterStats draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                             const gaussian::Target& target);

 private:
  void make_room(const gaussian::Camera& camera);
  void copy_rows(const gaussian::Target& target, std::size_t row, int rows) const;

  gaussian::RigView rig_;
  gaussian::RasterOptions options_;
  ViewBackdrop behind_;
  Gpu gpu_;
  device::Budget* budget_;
  int width_ = 0, height_ = 0;
  std::optional<CudaRenderer> renderer_;
  CudaBackdrop background_;
  device::CudaTicket done_;
  device::Buffer rgba8_, rgba_, depth_;  // device
};

}  // namespace talkrt::render
