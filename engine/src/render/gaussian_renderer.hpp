// SPDX-License-Identifier: Apache-2.0
//
// A figure to pixels. Owns the rasterizer's scratch, which is sized once, from the avatar at rest
// and with headroom; a pose that needs more grows it, so a frame is never wrong. While the camera holds, only
// what changed is drawn.
#pragma once

#include <functional>
#include <string>

#include "engine/src/device/budget.hpp"
#include "engine/src/render/figure.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class GaussianRenderer {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Measures `figure` as `camera` sees it, drawing into `target`. What it points at must outlive the calls.
  GaussianRenderer(const Figure& figure, const gaussian::Camera& camera,
                   const gaussian::RasterOptions& options, const gaussian::Background& background,
                   const gaussian::Target& target, Executor& executor, device::Budget& budget, Warn warn);

  /// `changes` are those since the last call. Throws OUT_OF_BUDGET or OUT_OF_MEMORY when the scratch must
  /// grow and cannot.
  void draw(const Figure& figure, const gaussian::Changes& changes, const gaussian::Camera& camera,
            const gaussian::Background& background, const gaussian::Target& target, Executor& executor);

 private:
  gaussian::RasterStats attempt(const Figure& figure, const gaussian::Changes& changes,
                                const gaussian::Camera& camera, const gaussian::Background& background,
                                const gaussian::Target& target, Executor& executor);
  void reserve(std::size_t intersections);

  gaussian::RasterOptions options_;
  gaussian::RasterLimits limits_;
  device::Budget* budget_;
  device::Buffer scratch_;
  gaussian::RasterHistory history_;  // of what the scratch holds
  Warn warn_;
};

}  // namespace talkrt::render
