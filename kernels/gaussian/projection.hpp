// SPDX-License-Identifier: Apache-2.0
//
// What the rasterizer makes of each Gaussian before it draws: for hosts that want to know, not for the frame.
#pragma once

#include <cstdint>

#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::gaussian {

/// One row per Gaussian. Those that are not visible have zeros in every row; a Gaussian is visible when its
/// radii are above 0: in range, opaque enough for one 8-bit step (gsplat only), larger than radius_clip, and
/// with a box of that radius (gsplat) or a tile (inria) that reaches the image.
struct Projection {
  std::int32_t* radii = nullptr;  // [N, 2] pixels along x and y
  float* means2d = nullptr;       // [N, 2] pixels
  float* depths = nullptr;        // [N]
  float* conics = nullptr;        // [N, 3] inverse covariance xx, xy, yy, 1/pixel^2
  float* opacities = nullptr;     // [N] compensated when antialiased
  std::int32_t* tiles = nullptr;  // [N] lists of tiles that the rasterizer puts it in
};

void project_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                 const Projection& out, Executor& executor);

}  // namespace talkrt::gaussian
