// SPDX-License-Identifier: Apache-2.0
//
// A session's recorded avatar, drawn: Gaussians where networks or graphs put them, over the torso of a track:
// its own frames, and views of it as it is. One for each device.
#pragma once

#include <memory>

#include "engine/src/deform/cuda_networks.hpp"
#include "engine/src/deform/cuda_rig.hpp"
#include "engine/src/deform/mover.hpp"
#include "engine/src/frame/pixel_target.hpp"
#include "engine/src/render/gaussian_renderer.hpp"
#include "engine/src/render/gpu.hpp"
#include "engine/src/render/track_backdrop.hpp"

namespace talkrt::render {

struct RecordedFrame {
  gaussian::Camera camera;
  int track_frame = 0;
  float distance = 1;   // of the backdrop
  bool changed = true;  // since the last frame, in any way
};

class RecordedRenderer {
 public:
  virtual ~RecordedRenderer() = default;
  /// What the scene's mover has taken. On a GPU it returns when that has been told. Throws OUT_OF_BUDGET,
  /// OUT_OF_MEMORY, DEVICE_LOST; the frame after one that threw has changed.
  virtual void draw(const RecordedFrame& frame, const frame::PixelTarget& target) = 0;
  /// What the last frame shows, which was `track_frame` of the track, from any camera into the host's memory;
  /// there when it returns. Throws the same.
  virtual gaussian::RasterStats view(const gaussian::Camera& camera, int track_frame,
                                     const gaussian::Target& target) = 0;
};

/// What both need. All but the frames must outlive the renderer.
struct RecordedScene {
  deform::Mover& mover;
  TrackBackdrop& backdrop;
  gaussian::RasterOptions options;
  bool dilate = false;  // layer 1 hides what is around it, too
  RecordedFrame first_frame;
  frame::PixelTarget scratch_frame;  // where it is tried
};

/// Takes all memory that frames need, and draws one. `executor` and `budget` must outlive it.
std::unique_ptr<RecordedRenderer> recorded_renderer_cpu(const RecordedScene& scene, Executor& executor,
                                                        device::Budget& budget, GaussianRenderer::Warn warn);
/// `rest` are the Gaussians that the mover moves.
std::unique_ptr<RecordedRenderer> recorded_renderer_cuda(const RecordedScene& scene,
                                                         const deform::CudaRig& rest,
                                                         const deform::CudaNetworks& networks, const Gpu& gpu,
                                                         device::Budget& budget);

}  // namespace talkrt::render
