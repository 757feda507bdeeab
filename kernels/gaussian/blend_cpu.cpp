// SPDX-License-Identifier: Apache-2.0
//
// Stage 4 of 4: blends each tile's splats into its pixels, nearest first, and resolves them.
//
// A 4x4 block of pixels, column by column, is one vector; red, green, blue and transmittance stay in
// registers along the block's list. Per splat and block: 11 multiply-adds or multiplies and 7 other
// operations, since what depends on the row alone is computed once per tile (tile_blocks.hpp). The loop has
// no branch but its end: alpha below 1/255 becomes 0, which changes nothing, and a pixel that is done has
// no live transmittance left to give. What one step waits for from the step before is two multiply-adds long;
// two neighbouring blocks run side by side to fill that wait.
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/resolve.hpp"
#include "kernels/gaussian/simd_math.hpp"
#include "kernels/gaussian/tile_blocks.hpp"
#include "kernels/gaussian/tile_copy.hpp"
#include "kernels/gaussian/tile_lists.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kTilesPerTask = 8;
constexpr int kDirtyTilesPerTask = 2;             // these have faces in them
constexpr int kSideBySide = kParts == 1 ? 2 : 1;  // blocks; more would not fit the registers
constexpr int kStopCheck = 32;                    // splats between two looks at whether all pixels are done

struct BlockState {
  PixelBlock light;
  Floats live;  // transmittance while the pixel takes splats, then 0; 0 outside the image
};

/// Register by register: compilers copy the whole struct with slow string instructions.
[[gnu::always_inline]] inline void copy(BlockState& to, const BlockState& from) {
  to.light.red = from.light.red;
  to.light.green = from.light.green;
  to.light.blue = from.light.blue;
  to.light.transmittance = from.light.transmittance;
  to.light.depth = from.light.depth;
  to.live = from.live;
}

/// Alpha of splat i at the pixels x of the block whose first row is `row`; 0 where it is below 1/255.
[[gnu::always_inline]] inline Floats alpha_at(const TileBatch& batch, int i, int row, const Floats& x) {
  const Floats u = fma(x, Floats(batch.paint[i].p), load_quarters(batch.row_offset[i] + row));
  const Floats exponent = fnma(u, u, load_quarters(batch.row_peak[i] + row));
  return zero_unless(exponent >= Floats(-kCutoff), min(exp2(exponent), Floats(kMaxAlpha)));
}

/// Blends splat i into one block.
template <bool kDepth>
[[gnu::always_inline]] inline void blend_splat(BlockState& state, const TileBatch& batch, int i, int row,
                                               const Floats& x, const Floats& limit) {
  PixelBlock& light = state.light;
  const Floats alpha = alpha_at(batch, i, row, x);
  const Floats after = fnma(alpha, state.live, state.live);
  // The splat that would take transmittance to the limit is left out, with all behind it.
  const Mask open = after > limit;
  const Floats weight = zero_unless(open, alpha * state.live);
  light.red = fma(weight, Floats(batch.paint[i].red), light.red);
  light.green = fma(weight, Floats(batch.paint[i].green), light.green);
  light.blue = fma(weight, Floats(batch.paint[i].blue), light.blue);
  if constexpr (kDepth) light.depth = fma(weight, Floats(batch.z[i]), light.depth);
  light.transmittance = select(open, after, light.transmittance);
  state.live = zero_unless(open, after);
}

/// Blends the lists of block b and the kSideBySide - 1 after it; says whether some pixel takes more.
template <bool kDepth>
bool blend_blocks(BlockState* blocks, TileBatch& batch, const BlockCorners& corners, int b, Floats limit) {
  BlockState state[kSideBySide];
  Floats x[kSideBySide];
  for (int k = 0; k < kSideBySide; ++k) {
    copy(state[k], blocks[b + k]);
    x[k] = corners.columns[(b + k) % 4];
  }
  const int row = b / 4 * kBlockSide;
  const int length = pad_lists<kSideBySide>(batch, b);
  bool open = true;
  for (int begin = 0; begin < length && open; begin += kStopCheck) {
    const int end = begin + kStopCheck < length ? begin + kStopCheck : length;
    for (int at = begin; at < end; ++at) {
      for (int k = 0; k < kSideBySide; ++k) {
        blend_splat<kDepth>(state[k], batch, batch.lists[b + k][at], row, x[k], limit);
      }
    }
    open = false;
    for (const BlockState& s : state) open = open || any(s.live > Floats(0.0f));
  }
  for (int k = 0; k < kSideBySide; ++k) copy(blocks[b + k], state[k]);
  return open;
}

/// The blocks of one tile before any splat; pixels outside the image are never live.
void start_tile(BlockState* blocks, int pixels_x, int pixels_y) {
  const Floats zero(0.0f), one(1.0f);
  const BlockState fresh{{zero, zero, zero, one, zero}, one};
  for (int b = 0; b < kTileBlocks; ++b) copy(blocks[b], fresh);
  if (pixels_x >= kTile && pixels_y >= kTile) return;
  for (int b = 0; b < kTileBlocks; ++b) {
    alignas(64) float live[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      const int column = b % 4 * 4 + lane / 4, row = b / 4 * 4 + lane % 4;
      live[lane] = column < pixels_x && row < pixels_y ? 1.0f : 0.0f;
    }
    blocks[b].live = load(live);
  }
}

/// Transmittance stays above it. gsplat stops a pixel at 1e-4, Inria below.
Floats transmittance_limit(Convention convention) {
  std::int32_t bits = __builtin_bit_cast(std::int32_t, kMinTransmittance);
  bits -= convention == Convention::inria;  // the float before, so that "above it" includes 1e-4
  return Floats(__builtin_bit_cast(float, bits));
}

/// Blends a list into the tile whose first pixel is (x, y).
template <bool kDepth, class List>
void blend_list(const RasterFrame& frame, BlockState* blocks, List& list, TileBatch& batch,
                const BlockCorners& corners, int x, int y) {
  start_tile(blocks, frame.camera.width - x, frame.camera.height - y);
  const Floats limit = transmittance_limit(frame.options.convention);
  unsigned open = 0xffffu;  // bit b: the blocks from b on that go together still take splats
  while (open != 0) {
    const ListPart part = list.take();
    if (part.count == 0) break;
    fill_batch(batch, frame.scratch.records, part.begin, part.count, static_cast<float>(x),
               static_cast<float>(y), corners);
    unsigned still_open = 0;
    for (int b = 0; b < kTileBlocks; b += kSideBySide) {
      if ((open >> b & 1) == 0) continue;
      still_open |= static_cast<unsigned>(blend_blocks<kDepth>(blocks, batch, corners, b, limit)) << b;
    }
    open = still_open;
  }
}

/// `front` over `behind`, each a picture of its own.
PixelBlock over(const PixelBlock& front, const PixelBlock& behind) {
  const Floats& through = front.transmittance;
  return {fma(through, behind.red, front.red), fma(through, behind.green, front.green),
          fma(through, behind.blue, front.blue), through * behind.transmittance,
          fma(through, behind.depth, front.depth)};
}

template <bool kDepth, class List>
void blend_tile(const RasterFrame& frame, const Resolver& resolver, TileBatch& batch,
                const BlockCorners& corners, int tile) {
  const int x = tile % frame.tiles_x * kTile, y = tile / frame.tiles_x * kTile;
  BlockState blocks[kTileBlocks];
  List list(frame.scratch, tile);
  bool apart = false;
  BlockState behind[kTileBlocks];
  if constexpr (List::kSplits) {
    if (frame.options.layers_apart && frame.splats.layers != nullptr) {
      List rest = list.split(frame.splats.layers);
      apart = !rest.empty() || frame.background.hidden != nullptr;
      if (apart) blend_list<kDepth>(frame, behind, rest, batch, corners, x, y);
    }
  }
  blend_list<kDepth>(frame, blocks, list, batch, corners, x, y);
  for (int b = 0; b < kTileBlocks; ++b) {
    const int column = x + b % 4 * kBlockSide, row = y + b / 4 * kBlockSide;
    if (apart && frame.background.hidden != nullptr) {
      behind[b].light.transmittance = resolver.unhidden(column, row);
    }
    resolver.write(apart ? over(blocks[b].light, behind[b].light) : blocks[b].light, column, row);
  }
}

/// Blends `count` tiles, of which tile_at(i) is the i-th, and calls drawn(tile) after each.
template <class List, class TileAt, class Drawn>
void blend_tiles(RasterFrame& frame, int count, int per_task, TileAt tile_at, Drawn drawn) {
  const Resolver resolver(frame);
  const BlockCorners corners;
  const Target& target = frame.target;
  const bool with_depth =
      target.depth != nullptr || (target.channels != nullptr && target.channels->depth != nullptr);
  frame.executor.for_each((count + per_task - 1) / per_task, [&](int task, int) {
    TileBatch batch;
    const int end = (task + 1) * per_task < count ? (task + 1) * per_task : count;
    for (int i = task * per_task; i < end; ++i) {
      // The records of the tile after this one arrive while this one is blended.
      if (i + 1 < count) List::prefetch(frame.scratch, tile_at(i + 1));
      if (with_depth) {
        blend_tile<true, List>(frame, resolver, batch, corners, tile_at(i));
      } else {
        blend_tile<false, List>(frame, resolver, batch, corners, tile_at(i));
      }
      drawn(tile_at(i));
    }
  });
}

}  // namespace

void blend(RasterFrame& frame) {
  const auto tile_at = [](int i) { return i; };
  blend_tiles<WholeList>(frame, frame.tiles(), kTilesPerTask, tile_at, [](int) {});
}

void blend_changes(RasterFrame& frame, const Target& shown) {
  const auto tile_at = [&](int i) { return static_cast<int>(frame.scratch.dirty_tiles[i]); };
  blend_tiles<PatchedList>(frame, frame.dirty_count, kDirtyTilesPerTask, tile_at,
                           [&](int tile) { copy_tiles(frame, shown, tile, 1); });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
