// SPDX-License-Identifier: Apache-2.0
//
// Sixteen Gaussians to splats on the image plane.
//
// In: mean 3, frame 9, opacity 1, SH 3 B floats, or a rig that poses them here. Out: a Record of 48 bytes, a
// TileRect and a SortItem of 8 bytes each. About 230 operations for 16 Gaussians at SH degree 0. The geometry
// is in image_plane.hpp, what tiles a splat is listed in in extent.hpp.
#pragma once

#include "kernels/gaussian/attention_blocks.hpp"
#include "kernels/gaussian/extent.hpp"
#include "kernels/gaussian/image_plane.hpp"
#include "kernels/gaussian/network_blocks.hpp"
#include "kernels/gaussian/pose_block.hpp"
#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/shade.hpp"
#include "kernels/gaussian/simd_math.hpp"
#include "kernels/gaussian/transpose.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// One lane is 0 where all that went into it is finite, NaN otherwise.
inline Floats nan_unless_finite(const float* values, int count) {
  Floats sum(0.0f);
  for (int i = 0; i < count; ++i) sum = fma(load(values + i * kLanes), Floats(0.0f), sum);
  return sum;
}

/// What a task has found so far, lane by lane.
struct Tally {
  Floats nearest{kLargest}, farthest{0.0f};
  Ints hits = ints(0), layers = ints(0);
};

/// The Gaussians of one block.
struct BlockInput {
  const float *means, *frames, *opacities;
  const float* color;  // SH degree 0, or the colours themselves
  const float* sh;     // all degrees; 0 is not looked at
};

class Projector {
 public:
  Projector(RasterFrame& frame, const View& view) : frame_(frame), view_(view) {}

  void block(int b, Chunk& chunk, SortItem* items);

  /// Adds what the vectors hold to the chunk's sums.
  void finish(Chunk& chunk) const;

 private:
  void project(int b, const BlockInput& in, Chunk& chunk, SortItem* items);
  [[nodiscard]] BlockInput moved_block(int b);
  bool due(int b, int blocks_left, int most);
  [[nodiscard]] Mask in_layer(int b, int layer) const;
  void list(int b, Mask visible, const Extent& extent, Floats z, Chunk& chunk, SortItem* items);

  RasterFrame& frame_;
  const View& view_;
  Tally tally_;

  // Blocks that a network has just moved; blocks are asked for in ascending order.
  static constexpr int kMoved = kTogether > kMostTogether ? kTogether : kMostTogether;
  int network_ = 0, attention_ = 0, first_moved_ = 0, end_moved_ = 0;
  alignas(64) float moved_means_[kMoved * 3 * kBlock], moved_frames_[kMoved * 9 * kBlock];
  alignas(64) float moved_opacities_[kMoved * kBlock], moved_sh_[kMoved * kMostShNumbers * kBlock];
};

inline Mask Projector::in_layer(int b, int layer) const {
  alignas(64) float here[kLanes];
  const std::uint8_t* layers = frame_.splats.layers;
  for (int lane = 0; lane < kLanes; ++lane) {
    const bool behind = layers != nullptr && layers[static_cast<std::ptrdiff_t>(b) * kBlock + lane] != 0;
    here[lane] = behind == (layer != 0) ? 1.0f : 0.0f;
  }
  return load(here) > Floats(0.5f);
}

/// Writes the tile rectangles of all lanes and the sort items of the visible ones.
inline void Projector::list(int b, Mask visible, const Extent& extent, Floats z, Chunk& chunk,
                            SortItem* items) {
  const Ints x0 = extent.x0, x1 = extent.x1, y0 = extent.y0, y1 = extent.y1;
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

inline void Projector::finish(Chunk& chunk) const {
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

/// The network that has block `b`, if any; blocks are asked for in ascending order.
template <class Network>
inline const Network* network_of(const Network* networks, int count, int b, int& at) {
  while (at < count && b >= networks[at].first_block + networks[at].blocks()) ++at;
  return at < count && b >= networks[at].first_block ? networks + at : nullptr;
}

/// Whether block `b` and some behind it, which it counts, are still to be moved.
inline bool Projector::due(int b, int blocks_left, int most) {
  if (b >= first_moved_ && b < end_moved_) return false;
  first_moved_ = b;
  end_moved_ = b + (blocks_left < most ? blocks_left : most);
  return true;
}

/// Block `b` as its network moves it, or at rest where it has none.
inline BlockInput Projector::moved_block(int b) {
  const Splats& rest = frame_.splats;
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(b) * kBlock;
  const int colors = 3 * sh_bases(rest.sh_degree);
  const float* sh = rest.sh + first * colors;
  BlockInput in{rest.means + first * 3, rest.frames + first * 9, rest.opacities + first, sh, sh};
  if (frame_.moved == nullptr) return in;
  const Movement& movement = *frame_.moved;
  if (const PointNetwork* net = network_of(movement.networks, movement.count, b, network_)) {
    if (due(b, net->first_block + net->blocks() - b, kTogether)) {
      move_blocks(rest, *net, movement.inputs[network_], b, end_moved_ - b, {moved_means_, moved_frames_});
    }
    in.means = moved_means_ + (b - first_moved_) * 3 * kBlock;
    if (net->turns()) in.frames = moved_frames_ + (b - first_moved_) * 9 * kBlock;
  } else if (const AttentionNetwork* attention =
                 network_of(movement.attentions, movement.attention_count, b, attention_)) {
    if (due(b, attention->first_block + attention->blocks() - b, kMostTogether)) {
      attend(rest, *attention, movement.attention_inputs[attention_], b, end_moved_ - b,
             {moved_means_, moved_frames_, moved_opacities_, moved_sh_});
    }
    const int at = (b - first_moved_) * kBlock;
    if (attention->move.width > 0) in.means = moved_means_ + at * 3;
    if (attention->turns()) in.frames = moved_frames_ + at * 9;
    if (attention->fade.width > 0) in.opacities = moved_opacities_ + at;
    if (attention->paint.width > 0) in.color = in.sh = moved_sh_ + at * colors;
  }
  return in;
}

inline void Projector::block(int b, Chunk& chunk, SortItem* items) {
  const PosedRig* posed = frame_.posed;
  if (posed == nullptr) {
    project(b, moved_block(b), chunk, items);
    return;
  }
  alignas(64) float means[3 * kBlock], frames[9 * kBlock], opacities[kBlock], color[3 * kBlock];
  pose_block(posed->rig, posed->pose, b, {means, frames, opacities, color});
  const Splats& rest = posed->rig.rest;
  const float* sh = rest.sh + static_cast<std::ptrdiff_t>(b) * 3 * sh_bases(rest.sh_degree) * kBlock;
  project(b, {means, frames, opacities, color, sh}, chunk, items);
}

[[gnu::noinline]] inline void Projector::project(int b, const BlockInput& in, Chunk& chunk, SortItem* items) {
  const Splats& splats = frame_.splats;
  const View& v = view_;
  const float *means = in.means, *frames = in.frames;

  const OnImage at = onto_image(v, means, frames);
  const Floats xx = at.xx, xy = at.xy, yy = at.yy, det = at.det;

  Floats opacity = load(in.opacities);
  Floats finite = nan_unless_finite(means, 3) + nan_unless_finite(frames, 9) + opacity * Floats(0.0f);
  if (frame_.options.antialias) opacity = opacity * compensation(at);
  const Mask opaque = opacity >= Floats(kMinAlpha);
  const Floats log2_opacity = log2(max(opacity, Floats(kMinAlpha)));

  const Floats inverse_yy = Floats(1.0f) / yy;
  const Floats p = sqrt(Floats(0.5f * kLog2E) * yy / det), s = sqrt(Floats(0.5f * kLog2E) * inverse_yy);
  const Floats x_of_y = xy * inverse_yy, r = -p * x_of_y, y_of_x = xy / xx;

  const Floats reach = reach_squared(log2_opacity);
  const Extent extent = v.convention == Convention::gsplat ? exact_extent(v, at, reach) : inria_extent(v, at);

  Rgb rgb;
  if (splats.sh_degree == kPlainColors) {
    for (int c = 0; c < 3; ++c) rgb.channel[c] = load(in.color + c * kLanes);
  } else if (splats.sh_degree == 0) {
    rgb = shade(in.color, in.sh, 0, Floats(0.0f), Floats(0.0f), Floats(0.0f));
  } else {
    Floats d[3];
    for (int i = 0; i < 3; ++i) d[i] = load(means + i * kLanes) - v.eye[i];
    const Floats inverse = Floats(1.0f) / sqrt(max(square_sum(d[0], d[1], d[2]), Floats(1e-30f)));
    rgb = shade(in.color, in.sh, splats.sh_degree, d[0] * inverse, d[1] * inverse, d[2] * inverse);
  }
  for (const Floats& c : rgb.channel) finite = fma(c, Floats(0.0f), finite);
  // Finite numbers can overflow on the way: such a splat is as unusable as one that came in broken.
  const Floats zero(0.0f);
  const Floats derived = zero * (at.x + at.y + p + r + s + xx + yy + det + reach);
  const Mask usable = finite <= zero, projected = derived <= zero;  // false for NaN
  const Mask flat = det <= zero;  // a line or a point; only without dilation
  const int lanes_here = splats.count - b * kBlock;
  const unsigned exists = lanes_here >= kBlock ? 0xffffu : (1u << lanes_here) - 1;
  const unsigned broken = ~bits(usable) | (bits(at.in_range) & ~bits(flat) & ~bits(projected));
  chunk.invalid += static_cast<unsigned>(__builtin_popcount(exists & broken));
  Mask visible = usable & projected & at.in_range & opaque & extent.not_empty & lanes_below(lanes_here);
  if (frame_.options.layer >= 0) visible = visible & in_layer(b, frame_.options.layer);
  if (!any(visible)) return;

  Record* records = frame_.scratch.records + static_cast<std::ptrdiff_t>(b) * kBlock;
  float* to = &records->x;
  constexpr int kStride = sizeof(Record) / sizeof(float);
  store_fours(to, kStride, at.x, at.y, p, r);
  store_fours(to + 4, kStride, s, log2_opacity, y_of_x, x_of_y);
  // Harmonics are clamped at 0; colours are drawn as they are.
  const Floats darkest(splats.sh_degree == kPlainColors ? -kLargest : 0.0f);
  store_fours(to + 8, kStride, max(rgb.channel[0], darkest), max(rgb.channel[1], darkest),
              max(rgb.channel[2], darkest), at.z);

  list(b, visible, extent, at.z, chunk, items);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
