// SPDX-License-Identifier: Apache-2.0
//
// Stage 4 of 4: blends each tile's splats into its pixels, nearest first, and resolves them.
//
// A 4x4 block of pixels, column by column, is one vector; red, green, blue and transmittance stay in
// registers along the block's list. Per splat and block: 11 multiply-adds or multiplies and 6 other
// operations, since what depends on the row alone is computed once per tile (tile_blocks.hpp). Nothing is
// masked in the loop: a pixel that is done, or outside the image, moves so far away that no splat reaches
// it, and alpha below 1/255 becomes 0, which changes nothing.
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/resolve.hpp"
#include "kernels/gaussian/simd_math.hpp"
#include "kernels/gaussian/tile_blocks.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kTilesPerTask = 8;
constexpr float kFarAway = 1e18f;  // pixels; its square, scaled by any splat's conic, is still finite

struct BlockState {
  PixelBlock light;
  Floats x, y;        // pixel centres, relative to the tile
  unsigned done = 0;  // bit i: lane i takes no more splats
};

/// Alpha of splat i at the pixels x of the block whose first row is `row`; 0 where it is below 1/255.
[[gnu::always_inline]] inline Floats alpha_at(const TileBatch& batch, int i, int row, const Floats& x) {
  const Floats u = fma(x, Floats(batch.paint[i].p), load_quarters(batch.row_offset[i] + row));
  const Floats exponent = fnma(u, u, load_quarters(batch.row_peak[i] + row));
  return zero_unless(exponent >= Floats(-kCutoff), min(exp2(exponent), Floats(kMaxAlpha)));
}

/// Blends the list of block b.
template <bool kDepth>
void blend_block(BlockState& state, const TileBatch& batch, int b) {
  const std::uint8_t* list = batch.lists[b];
  int length = batch.lengths[b];
  const int row = b / 4 * kBlockSide;
  PixelBlock light = state.light;
  Floats x = state.x;
  for (const std::uint8_t* at = list; at != list + length; ++at) {
    const TileBatch::Paint& g = batch.paint[*at];
    Floats alpha = alpha_at(batch, *at, row, x);
    Floats after = fnma(alpha, light.transmittance, light.transmittance);
    const Mask finished = after <= Floats(kMinTransmittance);
    if (any(finished)) [[unlikely]] {
      // Without this splat: 3DGS trains that way.
      x = select(finished, Floats(kFarAway), x);
      alpha = select(finished, Floats(0.0f), alpha);
      after = select(finished, light.transmittance, after);
      state.done |= bits(finished);
      if (state.done == 0xffffu) {
        length = static_cast<int>(at - list) + 1;  // the last lane may still take this one
      }
    }
    const Floats weight = alpha * light.transmittance;
    light.red = fma(weight, Floats(g.red), light.red);
    light.green = fma(weight, Floats(g.green), light.green);
    light.blue = fma(weight, Floats(g.blue), light.blue);
    if constexpr (kDepth) light.depth = fma(weight, Floats(batch.z[*at]), light.depth);
    light.transmittance = after;
  }
  state.light = light;
  state.x = x;
}

/// The blocks of one tile before any splat; pixels outside the image are done.
void start_tile(BlockState* blocks, int pixels_x, int pixels_y) {
  for (int b = 0; b < kTileBlocks; ++b) {
    alignas(64) float x[kLanes];
    BlockState& state = blocks[b];
    state.done = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      const int column = b % 4 * 4 + lane / 4, row = b / 4 * 4 + lane % 4;
      const bool inside = column < pixels_x && row < pixels_y;
      x[lane] = inside ? static_cast<float>(column) + 0.5f : kFarAway;
      state.done |= inside ? 0u : 1u << lane;
    }
    state.x = load(x);
    const Floats zero(0.0f);
    state.light = {zero, zero, zero, Floats(1.0f), zero};
  }
}

/// Starts to fetch the records of a tile, which arrive while the one before it is blended.
void prefetch_tile(const RasterFrame& frame, int tile) {
  if (tile >= frame.tiles()) return;
  const std::uint32_t begin = frame.scratch.tile_begin[tile];
  std::uint32_t end = frame.scratch.tile_begin[tile + 1];
  if (end > begin + kBatch) end = begin + kBatch;
  for (std::uint32_t i = begin; i < end; ++i) prefetch(frame.scratch.records + frame.scratch.tile_lists[i]);
}

template <bool kDepth>
void blend_tile(const RasterFrame& frame, const Resolver& resolver, TileBatch& batch,
                const BlockCorners& corners, int tile) {
  const int x = tile % frame.tiles_x * kTile, y = tile / frame.tiles_x * kTile;
  BlockState blocks[kTileBlocks];
  start_tile(blocks, frame.camera.width - x, frame.camera.height - y);
  const std::uint32_t* list = frame.scratch.tile_lists + frame.scratch.tile_begin[tile];
  const std::uint32_t* end = frame.scratch.tile_lists + frame.scratch.tile_begin[tile + 1];
  prefetch_tile(frame, tile + 1);
  unsigned open = 0xffffu;  // blocks that still take splats
  while (list != end && open != 0) {
    const int count = end - list < kBatch ? static_cast<int>(end - list) : kBatch;
    fill_batch(batch, frame.scratch.records, list, count, static_cast<float>(x), static_cast<float>(y),
               corners);
    list += count;
    for (int b = 0; b < kTileBlocks; ++b) {
      if ((open >> b & 1) == 0) continue;
      blend_block<kDepth>(blocks[b], batch, b);
      if (blocks[b].done == 0xffffu) open &= ~(1u << b);
    }
  }
  for (int b = 0; b < kTileBlocks; ++b) {
    resolver.write(blocks[b].light, x + b % 4 * kBlockSide, y + b / 4 * kBlockSide);
  }
}

}  // namespace

void blend(RasterFrame& frame) {
  const int tiles = frame.tiles();
  const Resolver resolver(frame);
  const BlockCorners corners;
  frame.executor.for_each((tiles + kTilesPerTask - 1) / kTilesPerTask, [&](int task, int) {
    TileBatch batch;
    const int end = (task + 1) * kTilesPerTask < tiles ? (task + 1) * kTilesPerTask : tiles;
    for (int tile = task * kTilesPerTask; tile < end; ++tile) {
      if (frame.target.depth != nullptr) {
        blend_tile<true>(frame, resolver, batch, corners, tile);
      } else {
        blend_tile<false>(frame, resolver, batch, corners, tile);
      }
    }
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
