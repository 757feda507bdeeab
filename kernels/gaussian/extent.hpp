// SPDX-License-Identifier: Apache-2.0
//
// Which tiles a splat is listed in, by either convention.
//
// gsplat: all in which some pixel can reach alpha 1/255, so the picture depends on no list. Inria: the tiles
// of a square of three standard deviations of the longer axis, whatever the opacity; pixels of other tiles
// never see the splat, though it may reach them with more than 1/255.
#pragma once

#include "kernels/gaussian/image_plane.hpp"
#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// First and last tile along both axes; not_empty says whether there is any.
struct Extent {
  Ints x0, y0, x1, y1;
  Mask not_empty;
};

inline constexpr float kLog2Of255 = 7.9943534368588579f;

/// Where alpha is 1/255, d^2 / covariance has this value: 2 ln(255 opacity).
inline Floats reach_squared(Floats log2_opacity) {
  return Floats(2 / kLog2E) * (log2_opacity + Floats(kLog2Of255));
}

/// First and last pixel whose centre is within `reach` of `mean`, along one axis; empty when last < first.
struct Span {
  Ints first, last;
};

inline Span pixel_span(Floats mean, Floats reach, Floats size) {
  // A hundredth of a pixel more than needed covers rounding; the blend stage decides exactly.
  const Floats one(1.0f);
  const Floats low = clamp(mean - reach - Floats(0.51f), -one, size);
  const Floats high = clamp(mean + reach - Floats(0.49f), -one, size - one);
  return {truncate(low + one), truncate(high + one) - ints(1)};
}

inline Extent exact_extent(const View& v, const OnImage& at, Floats reach) {
  const Floats reach_x = sqrt(reach * at.xx), reach_y = sqrt(reach * at.yy);
  const Span x = pixel_span(at.x, reach_x, v.width), y = pixel_span(at.y, reach_y, v.height);
  const Mask covers = (to_floats(x.first) <= to_floats(x.last)) & (to_floats(y.first) <= to_floats(y.last));
  return {shift_right<4>(x.first), shift_right<4>(y.first), shift_right<4>(x.last), shift_right<4>(y.last),
          covers & (max(reach_x, reach_y) > v.radius_clip)};
}

/// The least whole number that is not below v >= 0.
inline Floats round_up(Floats v) {
  const Floats whole = to_floats(truncate(min(v, Floats(8388608.0f))));  // above, all floats are whole
  return select(v > whole, max(whole + Floats(1.0f), v), whole);
}

/// The radius of Inria's square in pixels. The 0.1 makes it larger than three deviations for round splats.
inline Floats inria_radius(const OnImage& at) {
  const Floats half(0.5f);
  const Floats middle = half * (at.xx + at.yy), difference = half * (at.xx - at.yy);
  const Floats spread = sqrt(max(fma(difference, difference, at.xy * at.xy), Floats(0.1f)));
  return round_up(Floats(3.0f) * sqrt(middle + spread));
}

inline Extent inria_extent(const View& v, const OnImage& at) {
  const Floats zero(0.0f), half(0.5f), tile(kTile), radius = inria_radius(at);
  // Its pixel centres are whole numbers, and the tile after the last begins at or before x + radius + 15.
  const Floats x = at.x - half, y = at.y - half, to_end = radius + Floats(kTile - 1);
  const auto tiles = [&](Floats pixels, Floats limit) { return truncate(clamp(pixels / tile, zero, limit)); };
  const Ints x0 = tiles(x - radius, v.tiles_x), x1 = tiles(x + to_end, v.tiles_x) - ints(1);
  const Ints y0 = tiles(y - radius, v.tiles_y), y1 = tiles(y + to_end, v.tiles_y) - ints(1);
  const Mask covers = (to_floats(x0) <= to_floats(x1)) & (to_floats(y0) <= to_floats(y1));
  return {x0, y0, x1, y1, covers & (radius > v.radius_clip)};
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
