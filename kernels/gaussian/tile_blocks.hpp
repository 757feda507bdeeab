// SPDX-License-Identifier: Apache-2.0
//
// Which of a tile's sixteen 4x4 blocks each splat can colour, as one list of splats per block.
//
// Whole-tile lists would be evaluated at 256 pixels although a head's splats are some ten pixels wide; exact
// block lists cut that to a third. One block is one lane here, and one vector of pixels in the blend.
#pragma once

#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr int kBlockSide = 4;          // pixels
inline constexpr int kTileBlocks = 16;        // 4 x 4 blocks of a tile, row by row
inline constexpr int kBatch = 192;            // splats taken from a tile's list at a time; 30 KiB, within L1
inline constexpr int kPrefetchAhead = 24;     // records
inline constexpr float kCutoff = 7.9943534f;  // log2(255): below 2^-kCutoff a splat is not drawn

/// A batch of a tile's splats and, for each block, those that reach it, nearest first.
///
/// Of q = (p dx + r dy)^2 + (s dy)^2 a row of pixels knows all but x: with x from the tile's corner,
/// log2 alpha = row_peak - (p x + row_offset)^2. Sixteen rows are one vector, computed once per splat and
/// tile and used by all blocks.
struct TileBatch {
  struct Paint {
    float p, red, green, blue;
  };
  alignas(64) float row_offset[kBatch + 1][kTile];
  alignas(64) float row_peak[kBatch + 1][kTile];
  alignas(64) Paint paint[kBatch + 1];
  float z[kBatch + 1];
  alignas(64) std::uint16_t masks[kBatch + 64];  // bit b: block b
  alignas(64) std::uint8_t lists[kTileBlocks][kBatch + 64];
  int lengths[kTileBlocks];

  TileBatch() {  // splat kBatch is nowhere: it fills up lists that are blended beside a longer one
    for (int i = 0; i < kTile; ++i) row_offset[kBatch][i] = 0, row_peak[kBatch][i] = -1e3f;
    paint[kBatch] = {};
    z[kBatch] = 0;
  }
};

/// The blocks' pixel centres: first and last of each, relative to the tile.
struct BlockCorners {
  Floats x0, y0;
  Floats rows;        // of the tile's sixteen rows
  Floats columns[4];  // pixel centres of a block's sixteen pixels, for each column of blocks

  BlockCorners() {
    alignas(64) float x[kTileBlocks], y[kTileBlocks], row[kTile];
    for (int i = 0; i < kTile; ++i) row[i] = static_cast<float>(i) + 0.5f;
    rows = load(row);
    for (int b = 0; b < 4; ++b) {
      for (int lane = 0; lane < kLanes; ++lane) x[lane] = row[b * kBlockSide + lane / 4];
      columns[b] = load(x);
    }
    for (int b = 0; b < kTileBlocks; ++b) {
      const int column = b % kBlockSide * kBlockSide, line = b / kBlockSide * kBlockSide;
      x[b] = static_cast<float>(column) + 0.5f;
      y[b] = static_cast<float>(line) + 0.5f;
    }
    x0 = load(x);
    y0 = load(y);
  }
};

/// Blocks with a point where q <= log2(255 opacity): exact for an ellipse and a rectangle, because the least
/// q of a rectangle without the mean is on an edge that faces the mean. (x, y) is relative to the tile.
inline unsigned touched_blocks(const Record& splat, float x, float y, const BlockCorners& corners) {
  constexpr float kSlack = 0.02f;  // covers fp32 rounding of q for splats as large as any image
  const Floats span(kBlockSide - 1), zero(0.0f);
  const Floats left = corners.x0 - Floats(x), top = corners.y0 - Floats(y);
  const Floats right = left + span, bottom = top + span;
  const Floats near_x = clamp(zero, left, right), near_y = clamp(zero, top, bottom);
  const Floats p(splat.p), r(splat.r), s(splat.s);
  const Floats along_y = clamp(Floats(splat.y_of_x) * near_x, top, bottom);
  const Floats along_x = clamp(Floats(splat.x_of_y) * near_y, left, right);
  const Floats u1 = fma(p, near_x, r * along_y), v1 = s * along_y;
  const Floats u2 = fma(p, along_x, r * near_y), v2 = s * near_y;
  const Floats least = min(fma(u1, u1, v1 * v1), fma(u2, u2, v2 * v2));
  return bits(least <= Floats(splat.log2_opacity + (kCutoff + kSlack)));
}

/// Splits the batch's masks into lists.
inline void list_blocks(TileBatch& batch, int count) {
  for (int b = 0; b < kTileBlocks; ++b) {
    batch.lengths[b] = native_list_bit(batch.masks, count, b, batch.lists[b]);
  }
}

/// Makes the lists of block b and the Count - 1 after it equally long, and says how long.
template <int Count>
int pad_lists(TileBatch& batch, int b) {
  int longest = 0;
  for (int k = b; k < b + Count; ++k) longest = batch.lengths[k] > longest ? batch.lengths[k] : longest;
  for (int k = b; k < b + Count; ++k) {
    for (int i = batch.lengths[k]; i < longest; i += 64) __builtin_memset(batch.lists[k] + i, kBatch, 64);
  }
  return longest;
}

/// Neighbours in a tile's list are strangers in memory: without a hint, waiting for records took 40 % of the
/// whole stage.
inline void prefetch(const Record* record) { __builtin_prefetch(record); }

/// Fetches the next `count` splats of a tile whose corner is at pixel (tile_x, tile_y).
inline void fill_batch(TileBatch& batch, const Record* records, const std::uint32_t* list, int count,
                       float tile_x, float tile_y, const BlockCorners& corners) {
  int kept = 0;
  for (int i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) prefetch(records + list[i + kPrefetchAhead]);
    const Record& splat = records[list[i]];
    const float x = splat.x - tile_x, y = splat.y - tile_y;
    const unsigned mask = touched_blocks(splat, x, y, corners);
    batch.masks[kept] = static_cast<std::uint16_t>(mask);
    const Floats dy = corners.rows - Floats(y), v = Floats(splat.s) * dy;
    store(batch.row_offset[kept], fma(Floats(splat.r), dy, Floats(-splat.p * x)));
    store(batch.row_peak[kept], fnma(v, v, Floats(splat.log2_opacity)));
    batch.paint[kept] = {splat.p, splat.red, splat.green, splat.blue};
    batch.z[kept] = splat.z;
    kept += mask != 0;
  }
  for (int i = 0; i < 64; ++i) batch.masks[kept + i] = 0;
  list_blocks(batch, kept);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
