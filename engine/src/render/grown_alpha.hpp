// SPDX-License-Identifier: Apache-2.0
//
// TalkingGaussian's --dilate: the mouth hides the background not only where it is drawn, but as much as it
// does anywhere in the square of 13 pixels around.
#pragma once

#include "engine/src/render/gaussian_renderer.hpp"

namespace talkrt::render {

class GrownAlpha {
 public:
  /// Measures layer 1 of `figure` as `camera` sees it.
  GrownAlpha(const Figure& figure, const gaussian::Camera& camera, gaussian::RasterOptions options,
             Executor& executor, device::Budget& budget, GaussianRenderer::Warn warn);

  [[nodiscard]] bool fits(int width, int height) const noexcept {
    return width == width_ && height == height_;
  }
  /// [height, width] of the camera that it was made for, valid until the next call.
  const float* of(const Figure& figure, const gaussian::Camera& camera, Executor& executor);

 private:
  int width_, height_;
  device::Buffer alpha_, rows_;
  gaussian::Channels channels_;
  gaussian::Target target_;
  GaussianRenderer renderer_;
};

}  // namespace talkrt::render
