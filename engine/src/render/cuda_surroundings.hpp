// SPDX-License-Identifier: Apache-2.0
//
// What the picture of a recorded avatar needs on a GPU beside its Gaussians: the torso over a background,
// composed there for pictures of one size, and, where the mouth hides what is around it, both layers apart.
#pragma once

#include "engine/src/render/cuda_renderer.hpp"
#include "engine/src/render/track_backdrop.hpp"
#include "kernels/gaussian/track_cuda.hpp"

namespace talkrt::render {

class CudaSurroundings {
 public:
  CudaSurroundings() = default;
  /// `plain` (TrackPicture::background, null where that is nothing) and `torso` (one frame of it, or null)
  /// are on the GPU and must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  CudaSurroundings(const TrackPicture& picture, const std::uint8_t* plain, const std::uint8_t* torso,
                   bool grows, int width, int height, const device::CudaDevice& gpu, device::Budget& budget);

  /// What is composed, as the kernels draw over it.
  [[nodiscard]] const gaussian::Background& background() const noexcept { return background_; }
  /// How it is composed, the recording `distance` times as far away.
  [[nodiscard]] gaussian::CudaTrack track(float distance) const noexcept;
  /// Whether there is something to compose before drawing; or a torso to lay under what was drawn on nothing.
  [[nodiscard]] bool composes() const noexcept { return track_.background != nullptr; }
  [[nodiscard]] bool lays_under() const noexcept { return !composes() && track_.torso != nullptr; }
  void dress(gaussian::CudaTarget& target) const noexcept;

 private:
  gaussian::CudaTrack track_;
  gaussian::Background background_;
  device::Buffer composed_, light_, behind_;
};

}  // namespace talkrt::render
