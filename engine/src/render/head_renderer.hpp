// SPDX-License-Identifier: Apache-2.0
//
// A session's rigged head, drawn: its own frames, and views of it as it is. One for each device.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/src/deform/cuda_rig.hpp"
#include "engine/src/deform/deformer.hpp"
#include "engine/src/frame/pixel_target.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/gpu.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class HeadRenderer {
 public:
  virtual ~HeadRenderer() = default;
  /// The pose that `head` has now. On a GPU it returns when that has been told. Throws OUT_OF_BUDGET,
  /// OUT_OF_MEMORY, DEVICE_LOST.
  virtual void draw(const deform::Deformer& head, const gaussian::Camera& camera,
                    const frame::PixelTarget& target) = 0;
  /// From any camera, into the host's memory; there when it returns. Throws the same.
  virtual gaussian::RasterStats view(deform::Deformer& head, const gaussian::Camera& camera,
                                     const gaussian::Target& target) = 0;
};

/// What both need: the head at rest, the camera of the session's frames, what is behind, and a frame to try.
struct HeadScene {
  const deform::Deformer& head;
  const gaussian::Camera& camera;
  gaussian::RasterOptions options;
  const Backdrop& backdrop;  // must outlive the renderer
  frame::PixelTarget scratch_frame;
};

/// Takes all memory that frames need, and draws one. `executor` and `budget` must outlive it.
std::unique_ptr<HeadRenderer> head_renderer_cpu(const HeadScene& scene, Executor& executor,
                                                device::Budget& budget,
                                                std::function<void(const std::string&)> warn);
std::unique_ptr<HeadRenderer> head_renderer_cuda(const HeadScene& scene, const deform::CudaRig& rig,
                                                 const Gpu& gpu, device::Budget& budget);

}  // namespace talkrt::render
