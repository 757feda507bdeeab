// SPDX-License-Identifier: Apache-2.0
//
// Stage 3 of 4: one list of splats for each tile of 16x16 pixels, nearest first.
//
// Count, then fill: the lists lie one behind the other, since heads at a power-of-two distance would share
// cache sets. The sorted order is cut into groups; within a tile the groups' parts follow each other, so
// the lists do not depend on who filled them. About 2.5 tiles per splat on a head: 4 bytes each, written
// once, counted once.
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

/// Calls visit(tile, index) for every tile that the splats of group g touch, nearest splat first.
template <class Visit>
void for_tiles(const RasterFrame& frame, std::uint32_t visible, int g, Visit visit) {
  const auto n = static_cast<std::uint64_t>(visible);
  const auto groups = static_cast<std::uint64_t>(frame.groups), group = static_cast<std::uint64_t>(g);
  const SortItem* end = frame.sorted + n * (group + 1) / groups;
  for (const SortItem* item = frame.sorted + n * group / groups; item != end; ++item) {
    const TileRect rect = frame.scratch.rects[item->index];
    for (int y = rect.y0; y <= rect.y1; ++y) {
      for (int tile = y * frame.tiles_x + rect.x0; tile <= y * frame.tiles_x + rect.x1; ++tile) {
        visit(tile, item->index);
      }
    }
  }
}

}  // namespace

void bin(RasterFrame& frame, const Chunk& all) {
  const std::ptrdiff_t tiles = frame.tiles();
  std::uint32_t* cursors = frame.scratch.tile_cursors;
  frame.executor.for_each(frame.groups, [&](int g, int) {
    std::uint32_t* counts = cursors + g * tiles;
    for (std::ptrdiff_t tile = 0; tile < tiles; ++tile) counts[tile] = 0;
    for_tiles(frame, all.visible, g, [&](int tile, std::uint32_t) { ++counts[tile]; });
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
    for_tiles(frame, all.visible, g, [&](int tile, std::uint32_t index) { lists[next[tile]++] = index; });
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
