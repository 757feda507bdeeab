// SPDX-License-Identifier: Apache-2.0
//
// Views of a rigged head or a scene from any camera of the host's, drawn by a GPU into memory of the host's.
// Takes what a size needs when such a view is first asked for, keeps it for the next one, and has nothing to
// do with a session's own frames.
#pragma once

#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/cuda_view_pictures.hpp"

namespace talkrt::render {

class CudaViews {
 public:
  /// All must outlive it; `rig` has its arrays on the GPU.
  CudaViews(const gaussian::RigView& rig, const gaussian::RasterOptions& options, const Backdrop& backdrop,
            const Gpu& gpu, device::Budget& budget)
      : behind_(backdrop, budget), gpu_(gpu), budget_(&budget), pictures_(rig, options, gpu, budget) {}

  /// Returns when the pictures are there. An empty `pose` is the rig at rest. Throws OUT_OF_BUDGET,
  /// OUT_OF_MEMORY, DEVICE_LOST.
  gaussian::RasterStats draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                             const gaussian::Target& target);

 private:
  ViewBackdrop behind_;
  Gpu gpu_;
  device::Budget* budget_;
  CudaViewPictures pictures_;
  CudaBackdrop background_;
};

}  // namespace talkrt::render
