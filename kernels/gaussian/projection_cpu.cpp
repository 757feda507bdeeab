// SPDX-License-Identifier: Apache-2.0
//
// The geometry of the frame's first stage again, written out one row per Gaussian. Radii are those that
// gsplat and Inria report: whole pixels, the former at most 3.33 standard deviations.
#include "kernels/gaussian/extent.hpp"
#include "kernels/gaussian/image_plane.hpp"
#include "kernels/gaussian/projection.hpp"
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/simd_math.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kBlocksPerTask = 64;
constexpr float kWidest = 3.33f;  // standard deviations

/// One value for each of sixteen Gaussians.
struct Lane {
  alignas(64) float value[kLanes];
  explicit Lane(const Floats& v) { store(value, v); }
};

void block(const Splats& splats, const View& v, const RasterOptions& options, int b, const Projection& out) {
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(b) * kBlock;
  const OnImage at = onto_image(v, splats.means + first * 3, splats.frames + first * 9);
  Floats opacity = load(splats.opacities + first);
  if (options.antialias) opacity = opacity * compensation(at);
  const Floats zero(0.0f);
  const Floats log2_opacity = log2(max(opacity, Floats(kMinAlpha)));
  const Floats reach = max(reach_squared(log2_opacity), zero);
  const bool inria = v.convention == Convention::inria;
  const Extent extent = inria ? inria_extent(v, at) : exact_extent(v, at, reach);
  const Floats deviations = min(sqrt(reach), Floats(kWidest));
  const Floats radius_x = inria ? inria_radius(at) : round_up(deviations * sqrt(at.xx));
  const Floats radius_y = inria ? radius_x : round_up(deviations * sqrt(at.yy));
  const Floats sums = at.x + at.y + at.xx + at.xy + at.yy + at.det + opacity;
  Mask visible =
      at.in_range & (at.det > zero) & (zero * sums <= zero) & (max(radius_x, radius_y) > v.radius_clip);
  if (inria) {
    visible = visible & extent.not_empty;
  } else {
    visible = visible & (opacity >= Floats(kMinAlpha)) & (at.x + radius_x > zero) &
              (v.width > at.x - radius_x) & (at.y + radius_y > zero) & (v.height > at.y - radius_y);
  }
  const Mask drawn = visible & extent.not_empty & (opacity >= Floats(kMinAlpha));
  const Floats largest(1e9f);  // beyond it a radius is no int32
  const Ints tiles = (extent.x1 - extent.x0 + ints(1)) * (extent.y1 - extent.y0 + ints(1));
  const Lane x(at.x), y(at.y), z(at.z), rx(min(radius_x, largest)), ry(min(radius_y, largest)),
      a(at.yy / at.det), h(-at.xy / at.det), c(at.xx / at.det), o(opacity),
      t(zero_unless(drawn, to_floats(tiles)));
  const unsigned seen = bits(visible);
  const int count = splats.count - b * kBlock < kBlock ? splats.count - b * kBlock : kBlock;
  for (int lane = 0; lane < count; ++lane) {
    const std::ptrdiff_t i = first + lane;
    const bool show = (seen >> lane & 1) != 0;
    out.radii[2 * i] = show ? static_cast<std::int32_t>(rx.value[lane]) : 0;
    out.radii[2 * i + 1] = show ? static_cast<std::int32_t>(ry.value[lane]) : 0;
    out.means2d[2 * i] = show ? x.value[lane] : 0;
    out.means2d[2 * i + 1] = show ? y.value[lane] : 0;
    out.depths[i] = show ? z.value[lane] : 0;
    out.conics[3 * i] = show ? a.value[lane] : 0;
    out.conics[3 * i + 1] = show ? h.value[lane] : 0;
    out.conics[3 * i + 2] = show ? c.value[lane] : 0;
    out.opacities[i] = show ? o.value[lane] : 0;
    out.tiles[i] = show ? static_cast<std::int32_t>(t.value[lane]) : 0;
  }
}

}  // namespace

void project_only(const Splats& splats, const Camera& camera, const RasterOptions& options,
                  const Projection& out, Executor& executor) {
  const View view(camera, options);
  const int blocks = blocks_of(splats.count);
  executor.for_each((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
    const int begin = task * kBlocksPerTask;
    const int end = begin + kBlocksPerTask < blocks ? begin + kBlocksPerTask : blocks;
    for (int b = begin; b < end; ++b) block(splats, view, options, b, out);
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
