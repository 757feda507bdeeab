// SPDX-License-Identifier: Apache-2.0
//
// What the stages of one frame hand to each other, and where it lies in the caller's scratch.
//
//   project  Gaussian -> Record (by index), SortItem and TileRect (visible ones, chunk by chunk)
//   sort     SortItems by (layer, depth, index)
//   bin      one list of indices for each tile, nearest first, all lists contiguous
//   blend    tile by tile into the target
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/executor.hpp"
#include "kernels/gaussian/movement.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::gaussian {

inline constexpr int kTile = 16;         // pixels per tile side
inline constexpr int kChunkBlocks = 64;  // blocks of 16 Gaussians projected as one task
inline constexpr int kChunk = kChunkBlocks * kBlock;
inline constexpr std::size_t kMaxIntersections = 0xffffffffu;  // tile lists are indexed with 32 bits
inline constexpr int kMaxSortBins = 4096;                      // 12 bits a pass
inline constexpr int kHistogramStride = kMaxSortBins + 16;     // no two groups' counts in one cache set

/// A Gaussian on the image plane. With q(d) = (p dx + r dy)^2 + (s dy)^2, alpha = 2^(log2_opacity - q):
/// a Cholesky factor of the inverse covariance, scaled by log2(e) / 2. Squares of sums cannot turn negative
/// and lose far less to cancellation than the three-term form when a splat is long and thin.
struct alignas(16) Record {
  float x, y;  // mean, pixels
  float p, r;
  float s, log2_opacity;
  float y_of_x, x_of_y;  // slopes cov_xy / cov_xx and cov_xy / cov_yy: where q is least along a line
  float red, green, blue, z;
};

/// Tiles that the bounding box of a splat touches, inclusive.
struct TileRect {
  std::uint16_t x0, y0, x1, y1;
};

struct SortItem {
  std::uint32_t index;
  std::uint32_t key;  // depth bits with the layer on top; the sort makes it relative to the nearest
};

/// What one task of the projection found.
struct Chunk {
  std::uint32_t visible = 0;
  std::uint32_t invalid = 0;
  std::uint32_t min_depth = 0xffffffffu, max_depth = 0;  // fp32 bits, layer not included
  std::uint32_t layers = 0;                              // 1 when some visible splat is in layer 1
  std::uint64_t intersections = 0;
};

/// What a frame that only draws changes keeps up to date.
struct Totals {
  std::size_t visible = 0;
  std::size_t intersections = 0;
};

/// The scratch of one frame, laid out.
struct RasterScratch {
  Record* records = nullptr;              // [count]
  TileRect* rects = nullptr;              // [count]
  SortItem* items[2] = {};                // [count] each
  Chunk* chunks = nullptr;                // [chunks]
  std::uint32_t* histogram = nullptr;     // [groups, kHistogramStride]
  std::uint32_t* tile_cursors = nullptr;  // [groups, tiles]
  std::uint32_t* tile_begin = nullptr;    // [tiles + 1]
  std::uint32_t* tile_lists = nullptr;    // [intersections]

  // Only with limits.history: what else the next frame may go on from. Records, rects and lists stay, too.
  std::uint32_t* keys = nullptr;         // [count] SortItem::key, or kInvisible
  std::uint16_t* moved = nullptr;        // [blocks] bit: a splat that is no longer where the lists have it
  std::uint8_t* dirty = nullptr;         // [tiles] 1: some splat in it is not what it was in the last frame
  std::uint32_t* dirty_tiles = nullptr;  // [tiles] the same as a list
  std::uint32_t* mover_begin = nullptr;  // [tiles + 1]
  std::uint32_t* mover_lists = nullptr;  // [mover_capacity] like tile_lists, of the moved splats alone
  std::uint8_t* picture = nullptr;       // [height, picture_stride] RGBA8 of the last frame
  std::int64_t picture_stride = 0;
  std::size_t mover_capacity = 0;
  std::size_t bytes = 0;
};

inline constexpr std::uint32_t kInvisible = 0xffffffffu;  // larger than any key

constexpr int tiles_along(int pixels) { return (pixels + kTile - 1) / kTile; }
constexpr int chunks_of(int count) { return (blocks_of(count) + kChunkBlocks - 1) / kChunkBlocks; }

RasterScratch lay_out_scratch(const RasterLimits& limits, std::byte* base);

/// Parts in which sort and bin hand out their work: enough for a late worker to matter little.
constexpr int groups_of(int workers) { return workers <= 1 ? 1 : workers < 8 ? 2 * workers : 16; }

struct PosedRig {
  const RigView& rig;
  const Pose& pose;
};

/// One frame under way: the caller's arguments and what the stages add.
struct RasterFrame {
  const Splats& splats;
  const PosedRig* posed;  // poses `splats`, which are its rest, block by block; or null
  const Movement* moved;  // moves them by networks; or null
  const Camera& camera;
  const RasterOptions& options;
  const Background& background;
  const Target& target;
  Executor& executor;
  RasterScratch scratch;
  int chunks = 0;
  int tiles_x = 0, tiles_y = 0;
  int groups = 1;                    // parts that sort and bin work on at a time
  const SortItem* sorted = nullptr;  // [visible], set by the sort
  int dirty_count = 0;               // tiles to draw again, when only changes are drawn

  [[nodiscard]] int tiles() const { return tiles_x * tiles_y; }
};

}  // namespace talkrt::gaussian
