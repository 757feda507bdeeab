// SPDX-License-Identifier: Apache-2.0
//
// Stage 3 of 4: one list of splats for each tile of 16x16 pixels, nearest first.
//
// Count, then fill: the lists lie one behind the other, since heads at a power-of-two distance would share
// cache sets. The sorted order is cut into groups; within a tile the groups' parts follow each other, so
// the lists do not depend on who filled them. About 2.5 tiles per splat on a head: 4 bytes each, written
// once, counted once. Rectangles of up to 4x4 tiles become tile numbers by one vector addition, because a
// loop over rows and columns costs two mispredicted branches per splat.
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kWindow = 4;    // tiles; larger rectangles take the loop
constexpr int kPairs = 1024;  // (tile, splat) pairs collected before they are used: stays in L1

/// For each size of rectangle, its tiles' numbers relative to the first, packed.
struct TileOffsets {
  alignas(64) std::int32_t of[kWindow][kWindow][kLanes] = {};  // [height - 1][width - 1]

  explicit TileOffsets(int tiles_x) {
    for (int height = 1; height <= kWindow; ++height) {
      for (int width = 1; width <= kWindow; ++width) {
        for (int i = 0; i < height * width; ++i) {
          of[height - 1][width - 1][i] = i / width * tiles_x + i % width;
        }
      }
    }
  }
};

struct Pairs {
  alignas(64) std::int32_t tile[kPairs + kLanes];
  alignas(64) std::int32_t index[kPairs + kLanes];
  int count = 0;
};

/// Calls use(pairs) with all (tile, index) pairs of group g, nearest splat first, some at a time.
template <class Use>
void for_pairs(const RasterFrame& frame, std::uint32_t visible, int g, Use use) {
  const TileOffsets offsets(frame.tiles_x);
  Pairs pairs;
  const auto make_room = [&] {
    if (pairs.count + kLanes <= kPairs) return;
    use(pairs);
    pairs.count = 0;
  };
  const auto n = static_cast<std::uint64_t>(visible);
  const auto groups = static_cast<std::uint64_t>(frame.groups), group = static_cast<std::uint64_t>(g);
  const SortItem* end = frame.sorted + n * (group + 1) / groups;
  for (const SortItem* item = frame.sorted + n * group / groups; item != end; ++item) {
    const TileRect rect = frame.scratch.rects[item->index];
    const int width = rect.x1 - rect.x0 + 1, height = rect.y1 - rect.y0 + 1;
    const int first = rect.y0 * frame.tiles_x + rect.x0;
    const auto index = static_cast<std::int32_t>(item->index);
    make_room();
    if (width <= kWindow && height <= kWindow) [[likely]] {
      store_unaligned(pairs.tile + pairs.count, ints(first) + load(offsets.of[height - 1][width - 1]));
      store_unaligned(pairs.index + pairs.count, ints(index));
      pairs.count += width * height;
      continue;
    }
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        make_room();
        pairs.tile[pairs.count] = first + y * frame.tiles_x + x;
        pairs.index[pairs.count++] = index;
      }
    }
  }
  use(pairs);
}

}  // namespace

void bin(RasterFrame& frame, const Chunk& all) {
  const std::ptrdiff_t tiles = frame.tiles();
  std::uint32_t* cursors = frame.scratch.tile_cursors;
  frame.executor.for_each(frame.groups, [&](int g, int) {
    std::uint32_t* counts = cursors + g * tiles;
    for (std::ptrdiff_t tile = 0; tile < tiles; ++tile) counts[tile] = 0;
    for_pairs(frame, all.visible, g, [&](const Pairs& pairs) {
      for (int i = 0; i < pairs.count; ++i) ++counts[pairs.tile[i]];
    });
  });
  std::uint32_t sum = 0;
  for (std::ptrdiff_t tile = 0; tile < tiles; ++tile) {
    frame.scratch.tile_begin[tile] = sum;
    for (int g = 0; g < frame.groups; ++g) {
      std::uint32_t& cursor = cursors[g * tiles + tile];
      const std::uint32_t count = cursor;
      cursor = sum;
      sum += count;
    }
  }
  frame.scratch.tile_begin[tiles] = sum;
  frame.executor.for_each(frame.groups, [&](int g, int) {
    std::uint32_t* next = cursors + g * tiles;
    std::uint32_t* lists = frame.scratch.tile_lists;
    for_pairs(frame, all.visible, g, [&](const Pairs& pairs) {
      for (int i = 0; i < pairs.count; ++i) {
        lists[next[pairs.tile[i]]++] = static_cast<std::uint32_t>(pairs.index[i]);
      }
    });
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
