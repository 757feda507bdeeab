// SPDX-License-Identifier: Apache-2.0
//
// Which tiles a splat is listed in, and whether it can colour a rectangle of pixels; the rules are those of
// extent.hpp and tile_blocks.hpp.
#pragma once

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr float kLog2E = 1.4426950408889634f;
inline constexpr float kLog2Of255 = 7.9943534368588579f;

/// A splat's place and covariance on the image plane, pixels.
struct Ellipse {
  float x, y, xx, xy, yy, det;
};

/// Tiles, inclusive; empty when x1 < x0 or y1 < y0.
struct Tiles {
  int x0, y0, x1, y1;

  [[nodiscard]] __device__ bool empty() const { return x1 < x0 || y1 < y0; }
};

__device__ __forceinline__ float clamped(float v, float low, float high) {
  return fminf(fmaxf(v, low), high);
}

/// Pixels whose centres are within `reach` of `mean` along one axis, a hundredth of a pixel to spare.
__device__ inline void pixel_span(float mean, float reach, float size, int& first, int& last) {
  first = static_cast<int>(clamped(mean - reach - 0.51f, -1.0f, size) + 1.0f);
  last = static_cast<int>(clamped(mean + reach - 0.49f, -1.0f, size - 1.0f) + 1.0f) - 1;
}

/// All tiles with a pixel whose alpha can reach 1/255; `reach` is squared and in standard deviations.
__device__ inline Tiles exact_tiles(const CudaCamera& v, const Ellipse& at, float reach) {
  const float reach_x = sqrtf(reach * at.xx), reach_y = sqrtf(reach * at.yy);
  int x0, x1, y0, y1;
  pixel_span(at.x, reach_x, static_cast<float>(v.width), x0, x1);
  pixel_span(at.y, reach_y, static_cast<float>(v.height), y0, y1);
  if (x1 < x0 || y1 < y0 || !(fmaxf(reach_x, reach_y) > v.radius_clip)) return {0, 0, -1, -1};
  return {x0 / kTile, y0 / kTile, x1 / kTile, y1 / kTile};
}

/// The tiles of Inria's square.
__device__ inline Tiles inria_tiles(const CudaCamera& v, const Ellipse& at) {
  const float middle = 0.5f * (at.xx + at.yy), difference = 0.5f * (at.xx - at.yy);
  const float spread = sqrtf(fmaxf(fmaf(difference, difference, at.xy * at.xy), 0.1f));
  const float radius = ceilf(3.0f * sqrtf(middle + spread));
  const float x = at.x - 0.5f, y = at.y - 0.5f, to_end = radius + static_cast<float>(kTile - 1);
  const auto tiles = [](float pixels, int limit) {
    return static_cast<int>(clamped(pixels / static_cast<float>(kTile), 0.0f, static_cast<float>(limit)));
  };
  const Tiles out{tiles(x - radius, v.tiles_x), tiles(y - radius, v.tiles_y),
                  tiles(x + to_end, v.tiles_x) - 1, tiles(y + to_end, v.tiles_y) - 1};
  return radius > v.radius_clip ? out : Tiles{0, 0, -1, -1};
}

/// The greatest q of a pixel that a splat can colour.
__device__ __forceinline__ float reach_of(float log2_opacity) {
  constexpr float kSlack = 0.02f;  // covers fp32 rounding of q for splats as large as any image
  return log2_opacity + (kLog2Of255 + kSlack);
}

/// What the test of a rectangle needs of a Record.
struct Reach {
  float x, y, p, r, s, y_of_x, x_of_y, limit;

  __device__ static Reach of(const Record& splat) {
    return {splat.x, splat.y,      splat.p,      splat.r,
            splat.s, splat.y_of_x, splat.x_of_y, reach_of(splat.log2_opacity)};
  }

  /// Whether some point of the rectangle whose first and last pixel centres are these can reach alpha 1/255:
  /// the least q of a rectangle without the mean is on an edge that faces the mean.
  [[nodiscard]] __device__ bool touches(float left, float top, float right, float bottom) const {
    left -= x, right -= x, top -= y, bottom -= y;
    const float near_x = clamped(0.0f, left, right), near_y = clamped(0.0f, top, bottom);
    const float along_y = clamped(y_of_x * near_x, top, bottom);
    const float along_x = clamped(x_of_y * near_y, left, right);
    const float u1 = fmaf(p, near_x, r * along_y), v1 = s * along_y;
    const float u2 = fmaf(p, along_x, r * near_y), v2 = s * near_y;
    return fminf(fmaf(u1, u1, v1 * v1), fmaf(u2, u2, v2 * v2)) <= limit;
  }
};

}  // namespace talkrt::gaussian::cuda
