// SPDX-License-Identifier: Apache-2.0
//
// Stage 1 of 4: Gaussians to splats on the image plane, sixteen at a time.
//
// In: mean 3, frame 9, opacity 1, SH 3 B floats. Out: a Record of 48 bytes, a TileRect and a SortItem of 8
// bytes each. About 230 operations for 16 Gaussians at SH degree 0. The 3D covariance is never formed: with
// U = J V frame [2, 3], the covariance on the image plane is U U^T and its determinant |u0 x u1|^2, which
// keeps its accuracy for splats a thousand times longer than wide.
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/shade.hpp"
#include "kernels/gaussian/simd_math.hpp"
#include "kernels/gaussian/transpose.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLog2Of255 = 7.9943534368588579f;
constexpr float kLeastDepth = 1e-20f;          // depth bits order as the depths do only above 0
constexpr float kMinCompensation = 0.000025f;  // as gsplat: 0.005 squared

/// The camera, ready for the inner loop.
struct View {
  Floats r[9], t[3], eye[3];
  Floats fx, fy, cx, cy, near, far;
  Floats u_low, u_high, v_low, v_high;  // the Jacobian's x/z and y/z stay within 15 % around the image
  Floats width, height;                 // pixels

  View(const Camera& camera, const RasterOptions& options)
      : fx(camera.K[0]),
        fy(camera.K[4]),
        cx(camera.K[2]),
        cy(camera.K[5]),
        near(options.near_plane > kLeastDepth ? options.near_plane : kLeastDepth),
        far(options.far_plane),
        width(static_cast<float>(camera.width)),
        height(static_cast<float>(camera.height)) {
    const float* m = camera.viewmat;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) r[3 * i + j] = Floats(m[4 * i + j]);
      t[i] = Floats(m[4 * i + 3]);
      eye[i] = Floats(-(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]));
    }
    const float w = static_cast<float>(camera.width), h = static_cast<float>(camera.height);
    u_low = Floats((-0.15f * w - camera.K[2]) / camera.K[0]);
    u_high = Floats((1.15f * w - camera.K[2]) / camera.K[0]);
    v_low = Floats((-0.15f * h - camera.K[5]) / camera.K[4]);
    v_high = Floats((1.15f * h - camera.K[5]) / camera.K[4]);
  }
};

/// First and last pixel whose centre is within `reach` of `mean`, along one axis; empty when last < first.
struct Span {
  Ints first, last;
};

Span pixel_span(Floats mean, Floats reach, Floats size) {
  // A hundredth of a pixel more than needed covers rounding; the blend stage decides exactly.
  const Floats one(1.0f);
  const Floats low = clamp(mean - reach - Floats(0.51f), -one, size);
  const Floats high = clamp(mean + reach - Floats(0.49f), -one, size - one);
  return {truncate(low + one), truncate(high + one) - ints(1)};
}

Floats square_sum(Floats x, Floats y, Floats z) { return fma(x, x, fma(y, y, z * z)); }

/// One lane is 0 where all that went into it is finite, NaN otherwise.
Floats nan_unless_finite(const float* values, int count) {
  Floats sum(0.0f);
  for (int i = 0; i < count; ++i) sum = fma(load(values + i * kLanes), Floats(0.0f), sum);
  return sum;
}

/// What a task has found so far, lane by lane.
struct Tally {
  Floats nearest{3.402823466e38f}, farthest{0.0f};
  Ints hits = ints(0), layers = ints(0);
};

class Projector {
 public:
  Projector(RasterFrame& frame, const View& view) : frame_(frame), view_(view) {}

  void block(int b, Chunk& chunk, SortItem* items);

  /// Adds what the vectors hold to the chunk's sums.
  void finish(Chunk& chunk) const;

 private:
  void list(int b, Mask visible, const Span& sx, const Span& sy, Floats z, Chunk& chunk, SortItem* items);

  RasterFrame& frame_;
  const View& view_;
  Tally tally_;
};

/// Writes the tile rectangles of all lanes and the sort items of the visible ones.
void Projector::list(int b, Mask visible, const Span& sx, const Span& sy, Floats z, Chunk& chunk,
                     SortItem* items) {
  const Ints x0 = shift_right<4>(sx.first), x1 = shift_right<4>(sx.last);
  const Ints y0 = shift_right<4>(sy.first), y1 = shift_right<4>(sy.last);
  auto* rects =
      reinterpret_cast<std::int32_t*>(frame_.scratch.rects + static_cast<std::ptrdiff_t>(b) * kBlock);
  store_pairs(rects, x0 | shift_left<16>(y0), x1 | shift_left<16>(y1));

  Ints key = as_ints(z);
  if (frame_.splats.layers != nullptr) {
    alignas(64) std::int32_t layer[kLanes];
    const std::uint8_t* layers = frame_.splats.layers + static_cast<std::ptrdiff_t>(b) * kBlock;
    for (int lane = 0; lane < kLanes; ++lane) layer[lane] = layers[lane] != 0;
    tally_.layers = tally_.layers | load(layer);
    key = key | shift_left<31>(load(layer));
  }
  alignas(64) std::int32_t lanes[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = b * kBlock + lane;
  alignas(64) SortItem all[kLanes];
  store_pairs(&all[0].index, load(lanes), key);
  const unsigned wanted = bits(visible);
  std::uint32_t count = chunk.visible;
  for (int lane = 0; lane < kLanes; ++lane) {
    items[count] = all[lane];  // overwritten by the next one unless wanted; never beyond the chunk's part
    count += wanted >> lane & 1;
  }
  chunk.visible = count;
  tally_.nearest = min(select(visible, z, tally_.nearest), tally_.nearest);
  tally_.farthest = max(select(visible, z, tally_.farthest), tally_.farthest);
  const Ints hits = (x1 - x0 + ints(1)) * (y1 - y0 + ints(1));
  tally_.hits = tally_.hits + as_ints(zero_unless(visible, as_floats(hits)));
}

void Projector::finish(Chunk& chunk) const {
  alignas(64) std::int32_t nearest[kLanes], farthest[kLanes], hits[kLanes], layers[kLanes];
  store(nearest, as_ints(tally_.nearest));
  store(farthest, as_ints(tally_.farthest));
  store(hits, tally_.hits);
  store(layers, tally_.layers);
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto low = static_cast<std::uint32_t>(nearest[lane]),
               high = static_cast<std::uint32_t>(farthest[lane]);
    chunk.min_depth = low < chunk.min_depth ? low : chunk.min_depth;
    chunk.max_depth = high > chunk.max_depth ? high : chunk.max_depth;
    chunk.intersections += static_cast<std::uint32_t>(hits[lane]);
    chunk.layers |= static_cast<std::uint32_t>(layers[lane]);
  }
}

void Projector::block(int b, Chunk& chunk, SortItem* items) {
  const Splats& splats = frame_.splats;
  const View& v = view_;
  const int sh_stride = 3 * sh_bases(splats.sh_degree) * kBlock;
  const float* means = splats.means + b * 3 * kBlock;
  const float* frames = splats.frames + static_cast<std::ptrdiff_t>(b) * 9 * kBlock;
  const float* opacities = splats.opacities + b * kBlock;
  const float* sh = splats.sh + static_cast<std::ptrdiff_t>(b) * sh_stride;

  const Floats m[3] = {load(means), load(means + kLanes), load(means + 2 * kLanes)};
  Floats t[3];
  for (int i = 0; i < 3; ++i) {
    t[i] = fma(v.r[3 * i], m[0], fma(v.r[3 * i + 1], m[1], fma(v.r[3 * i + 2], m[2], v.t[i])));
  }
  const Floats z = t[2], inverse_z = Floats(1.0f) / z;
  const Mask in_range = (z >= v.near) & (z <= v.far);
  const Floats x_over_z = t[0] * inverse_z, y_over_z = t[1] * inverse_z;
  const Floats mean_x = fma(v.fx, x_over_z, v.cx), mean_y = fma(v.fy, y_over_z, v.cy);

  // Only the Jacobian is clamped, never the mean: far off axis it would stretch without bound.
  const Floats u = clamp(x_over_z, v.u_low, v.u_high), w = clamp(y_over_z, v.v_low, v.v_high);
  const Floats scale_x = v.fx * inverse_z, scale_y = v.fy * inverse_z;
  Floats jx[3], jy[3];  // rows of J times the rotation
  for (int i = 0; i < 3; ++i) {
    jx[i] = scale_x * fnma(u, v.r[6 + i], v.r[i]);
    jy[i] = scale_y * fnma(w, v.r[6 + i], v.r[3 + i]);
  }
  Floats ux[3], uy[3];
  for (int c = 0; c < 3; ++c) {
    const Floats f0 = load(frames + c * kLanes), f1 = load(frames + (3 + c) * kLanes),
                 f2 = load(frames + (6 + c) * kLanes);
    ux[c] = fma(jx[0], f0, fma(jx[1], f1, jx[2] * f2));
    uy[c] = fma(jy[0], f0, fma(jy[1], f1, jy[2] * f2));
  }
  const Floats var_x = square_sum(ux[0], ux[1], ux[2]), var_y = square_sum(uy[0], uy[1], uy[2]);
  const Floats xy = fma(ux[0], uy[0], fma(ux[1], uy[1], ux[2] * uy[2]));
  const Floats area = square_sum(fnma(ux[2], uy[1], ux[1] * uy[2]), fnma(ux[0], uy[2], ux[2] * uy[0]),
                                 fnma(ux[1], uy[0], ux[0] * uy[1]));
  const Floats dilation(kDilation);
  const Floats xx = var_x + dilation, yy = var_y + dilation;
  const Floats det = fma(dilation, var_x + yy, area);

  Floats opacity = load(opacities);
  Floats finite = nan_unless_finite(means, 3) + nan_unless_finite(frames, 9) + opacity * Floats(0.0f);
  if (frame_.options.antialias) opacity = opacity * sqrt(max(area / det, Floats(kMinCompensation)));
  const Mask opaque = opacity >= Floats(kMinAlpha);
  const Floats log2_opacity = log2(max(opacity, Floats(kMinAlpha)));

  const Floats inverse_yy = Floats(1.0f) / yy;
  const Floats p = sqrt(Floats(0.5f * kLog2E) * yy / det), s = sqrt(Floats(0.5f * kLog2E) * inverse_yy);
  const Floats x_of_y = xy * inverse_yy, r = -p * x_of_y, y_of_x = xy / xx;

  // Where alpha is 1/255: d^2 / cov = 2 ln(255 opacity).
  const Floats reach = Floats(2 / kLog2E) * (log2_opacity + Floats(kLog2Of255));
  const Span sx = pixel_span(mean_x, sqrt(reach * xx), v.width);
  const Span sy = pixel_span(mean_y, sqrt(reach * yy), v.height);

  Rgb rgb;
  if (splats.sh_degree == 0) {
    rgb = shade(sh, 0, Floats(0.0f), Floats(0.0f), Floats(0.0f));
  } else {
    Floats d[3];
    for (int i = 0; i < 3; ++i) d[i] = m[i] - v.eye[i];
    const Floats inverse = Floats(1.0f) / sqrt(max(square_sum(d[0], d[1], d[2]), Floats(1e-30f)));
    rgb = shade(sh, splats.sh_degree, d[0] * inverse, d[1] * inverse, d[2] * inverse);
  }
  for (const Floats& c : rgb.channel) finite = fma(c, Floats(0.0f), finite);
  // Finite numbers can overflow on the way: such a splat is as unusable as one that came in broken.
  const Floats zero(0.0f);
  const Floats derived = zero * (mean_x + mean_y + p + r + s + xx + yy + det + reach);
  const Mask usable = finite <= zero, projected = derived <= zero;  // false for NaN
  const Mask covers =
      (to_floats(sx.first) <= to_floats(sx.last)) & (to_floats(sy.first) <= to_floats(sy.last));
  const int lanes_here = splats.count - b * kBlock;
  const unsigned exists = lanes_here >= kBlock ? 0xffffu : (1u << lanes_here) - 1;
  const unsigned broken = ~bits(usable) | (bits(in_range) & ~bits(projected));
  chunk.invalid += static_cast<unsigned>(__builtin_popcount(exists & broken));
  const Mask visible = usable & projected & in_range & opaque & covers & lanes_below(lanes_here);
  if (!any(visible)) return;

  Record* records = frame_.scratch.records + static_cast<std::ptrdiff_t>(b) * kBlock;
  float* to = &records->x;
  constexpr int kStride = sizeof(Record) / sizeof(float);
  store_fours(to, kStride, mean_x, mean_y, p, r);
  store_fours(to + 4, kStride, s, log2_opacity, y_of_x, x_of_y);
  store_fours(to + 8, kStride, max(rgb.channel[0], zero), max(rgb.channel[1], zero),
              max(rgb.channel[2], zero), z);

  list(b, visible, sx, sy, z, chunk, items);
}

}  // namespace

void project(RasterFrame& frame) {
  const View view(frame.camera, frame.options);
  const int blocks = blocks_of(frame.splats.count);
  frame.executor.for_each(frame.chunks, [&](int task, int) {
    Projector projector(frame, view);
    Chunk chunk;
    SortItem* items = frame.scratch.items[0] + static_cast<std::ptrdiff_t>(task) * kChunk;
    const int begin = task * kChunkBlocks;
    const int end = begin + kChunkBlocks < blocks ? begin + kChunkBlocks : blocks;
    for (int b = begin; b < end; ++b) projector.block(b, chunk, items);
    projector.finish(chunk);
    frame.scratch.chunks[task] = chunk;
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
