// SPDX-License-Identifier: Apache-2.0
//
// Gaussians to pixels on a GPU: the twin of GaussianRenderer and ViewRenderer. Owns the scratch that
// project_bin and sort_blend work in, for pictures up to a size; what drawn pictures need beyond it does not
// exist: a tile with more splats than its bin takes a slower way on the GPU.
#pragma once

#include "engine/src/device/budget.hpp"
#include "engine/src/frame/pixel_target.hpp"
#include "engine/src/render/gpu.hpp"
#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::render {

/// A picture's memory on the GPU, what is copied from it, and when all of that is done.
struct CudaOutput {
  gaussian::CudaTarget target;
  cuda::Copy copies[cuda::kMaxCopies];
  int copy_count = 0;
  const device::CudaTicket* done = nullptr;
  const cuda::Recorded* recorded = nullptr;  // until draw() returns
};

/// A session's frame as such an output.
[[nodiscard]] CudaOutput output_of(const frame::CudaPicture& picture);

class CudaRenderer {
 public:
  /// `rig` has its arrays on the GPU; they, and `gpu`, must outlive it. `avatar` is what any CudaOutput may
  /// need beside the view. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  CudaRenderer(const gaussian::RigView& rig, const gaussian::RasterOptions& options, int width, int height,
               const Gpu& gpu, device::Budget& budget, const gaussian::CudaAvatarLimits& avatar = {});

  /// Tells the GPU and returns. An empty `pose` is the rig at rest. `background` has its picture on the GPU.
  /// Throws DEVICE_LOST, BACKEND_FAILED.
  void draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
            const gaussian::Background& background, const CudaOutput& output);
  /// Of the last draw, once it is done.
  [[nodiscard]] gaussian::CudaStats stats() const noexcept;

 private:
  CudaBatch* batch_;
  gaussian::RasterOptions options_;
  gaussian::CudaLimits limits_;
  device::Buffer scratch_, stats_;
  cuda::Job job_;
};

/// A backdrop whose picture is on the GPU.
class CudaBackdrop {
 public:
  CudaBackdrop() = default;
  /// `host` as a Backdrop of this size shows it.
  CudaBackdrop(const gaussian::Background& host, int width, int height, const device::CudaDevice& gpu,
               device::Budget& budget);
  [[nodiscard]] const gaussian::Background& view() const noexcept { return view_; }

 private:
  device::Buffer picture_;
  gaussian::Background view_;
};

}  // namespace talkrt::render
