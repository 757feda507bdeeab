// SPDX-License-Identifier: Apache-2.0
//
// A frame of which only some Gaussians changed, up to its blending (which is in blend_cpu.cpp).
//
// Lists and their order are those of an earlier frame, and stay. A splat whose record, tiles or depth differ
// in any bit from the last frame's has moved since: it counts as taken out of those lists, is sorted and
// binned with the other movers alone, and makes the tiles dirty that it was and is in. A tile that no such
// splat touches has the list and the records of the last frame, and so its pixels.
#include "kernels/gaussian/projector.hpp"
#include "kernels/gaussian/raster_stages.hpp"
#include "kernels/gaussian/tile_copy.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kBlocksPerTask = 8;

/// Runs everything where it is called.
class ThisThread final : public Executor {
 public:
  void run(int tasks, Body body, void* context) override {
    for (int task = 0; task < tasks; ++task) body(context, task, 0);
  }
  [[nodiscard]] int workers() const noexcept override { return 1; }
};

std::uint32_t area(TileRect rect) { return (rect.x1 - rect.x0 + 1u) * (rect.y1 - rect.y0 + 1u); }

/// Sixteen neighbours as the last frame had them.
struct Before {
  Record records[kBlock];
  TileRect rects[kBlock];
  std::uint32_t keys[kBlock];

  Before(const RasterScratch& scratch, std::ptrdiff_t first) {
    __builtin_memcpy(records, scratch.records + first, sizeof records);
    __builtin_memcpy(rects, scratch.rects + first, sizeof rects);
    __builtin_memcpy(keys, scratch.keys + first, sizeof keys);
  }

  /// Whether splat first + lane is drawn differently now.
  [[nodiscard]] bool differs(const RasterScratch& scratch, std::ptrdiff_t first, int lane) const {
    if (keys[lane] != scratch.keys[first + lane]) return true;
    if (keys[lane] == kInvisible) return false;
    return __builtin_memcmp(&records[lane], &scratch.records[first + lane], sizeof(Record)) != 0 ||
           __builtin_memcmp(&rects[lane], &scratch.rects[first + lane], sizeof(TileRect)) != 0;
  }
};

/// What a task adds to the totals; they only add up, so any order of tasks gives the same.
struct Gain {
  std::int64_t visible = 0, intersections = 0;
};

void mark(RasterFrame& frame, TileRect rect) {
  for (int y = rect.y0; y <= rect.y1; ++y) {
    for (int x = rect.x0; x <= rect.x1; ++x) {
      // Several tasks may mark a tile.
      __atomic_store_n(frame.scratch.dirty + y * frame.tiles_x + x, std::uint8_t{1}, __ATOMIC_RELAXED);
    }
  }
}

void project_block_again(RasterFrame& frame, Projector& projector, int block, Gain& gain) {
  const RasterScratch& scratch = frame.scratch;
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(block) * kBlock;
  const Before before(scratch, first);
  SortItem items[kBlock];
  Chunk found;
  projector.block(block, found, items);
  for (int lane = 0; lane < kBlock; ++lane) scratch.keys[first + lane] = kInvisible;
  for (std::uint32_t i = 0; i < found.visible; ++i) scratch.keys[items[i].index] = items[i].key;
  for (int lane = 0; lane < kBlock; ++lane) {
    if (!before.differs(scratch, first, lane)) continue;
    scratch.moved[block] = static_cast<std::uint16_t>(scratch.moved[block] | 1u << lane);
    if (before.keys[lane] != kInvisible) {
      mark(frame, before.rects[lane]);
      gain.visible -= 1;
      gain.intersections -= area(before.rects[lane]);
    }
    if (scratch.keys[first + lane] != kInvisible) {
      mark(frame, scratch.rects[first + lane]);
      gain.visible += 1;
      gain.intersections += area(scratch.rects[first + lane]);
    }
  }
}

/// Lists the movers that can be seen as items[0], in order of index, in chunks as the sort wants them.
Chunk list_movers(RasterFrame& frame) {
  const RasterScratch& scratch = frame.scratch;
  Chunk all;
  const int blocks = blocks_of(frame.splats.count);
  for (int block = 0; block < blocks; ++block) {
    for (unsigned left = scratch.moved[block]; left != 0; left &= left - 1) {
      const auto index = static_cast<std::uint32_t>(block * kBlock + __builtin_ctz(left));
      const std::uint32_t key = scratch.keys[index], depth = key & 0x7fffffffu;
      if (key == kInvisible) continue;
      scratch.items[0][all.visible++] = {index, key};
      all.min_depth = depth < all.min_depth ? depth : all.min_depth;
      all.max_depth = depth > all.max_depth ? depth : all.max_depth;
      all.layers |= key >> 31;
      all.intersections += area(scratch.rects[index]);
    }
  }
  for (int c = 0; c < frame.chunks; ++c) {
    const std::uint32_t begin = static_cast<std::uint32_t>(c) * kChunk;
    const std::uint32_t left = all.visible > begin ? all.visible - begin : 0;
    scratch.chunks[c].visible = left < kChunk ? left : kChunk;
  }
  return all;
}

/// The lists of the movers alone; false when they exceed their room.
bool list_mover_tiles(const RasterFrame& frame) {
  ThisThread alone;
  RasterFrame movers{frame.splats,     frame.posed,  frame.moved, frame.camera, frame.options,
                     frame.background, frame.target, alone,       frame.scratch};
  movers.chunks = frame.chunks;
  movers.tiles_x = frame.tiles_x;
  movers.tiles_y = frame.tiles_y;
  movers.scratch.tile_begin = frame.scratch.mover_begin;
  movers.scratch.tile_lists = frame.scratch.mover_lists;
  const Chunk all = list_movers(movers);
  if (all.intersections > frame.scratch.mover_capacity) return false;
  sort(movers, all);
  bin(movers, all);
  return true;
}

/// Copies those tiles of a row of tiles that are not drawn again.
void copy_clean_tiles(const RasterFrame& frame, const Target& shown, int row) {
  const std::uint8_t* dirty = frame.scratch.dirty + row * frame.tiles_x;
  for (int begin = 0; begin < frame.tiles_x;) {
    int end = begin;
    while (end < frame.tiles_x && dirty[end] == 0) ++end;
    if (end > begin) copy_tiles(frame, shown, row * frame.tiles_x + begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace

void keep(RasterFrame& frame) {
  const RasterScratch& scratch = frame.scratch;
  const int blocks = blocks_of(frame.splats.count);
  frame.executor.for_each(frame.chunks, [&](int c, int) {
    const int begin = c * kChunkBlocks, end = begin + kChunkBlocks < blocks ? begin + kChunkBlocks : blocks;
    for (int i = begin * kBlock; i < end * kBlock; ++i) scratch.keys[i] = kInvisible;
    for (int block = begin; block < end; ++block) scratch.moved[block] = 0;
    const SortItem* items = scratch.items[0] + static_cast<std::ptrdiff_t>(c) * kChunk;
    for (std::uint32_t i = 0; i < scratch.chunks[c].visible; ++i) scratch.keys[items[i].index] = items[i].key;
  });
}

void project_changes(RasterFrame& frame, const Changes& changes, Totals& totals) {
  const View view(frame.camera, frame.options);
  __builtin_memset(frame.scratch.dirty, 0, static_cast<std::size_t>(frame.tiles()));
  Gain all;
  frame.executor.for_each((changes.count + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
    Projector projector(frame, view);
    Gain gain;
    const int begin = task * kBlocksPerTask;
    const int end = begin + kBlocksPerTask < changes.count ? begin + kBlocksPerTask : changes.count;
    for (int i = begin; i < end; ++i) {
      project_block_again(frame, projector, static_cast<int>(changes.blocks[i]), gain);
    }
    __atomic_fetch_add(&all.visible, gain.visible, __ATOMIC_RELAXED);
    __atomic_fetch_add(&all.intersections, gain.intersections, __ATOMIC_RELAXED);
  });
  totals.visible += static_cast<std::size_t>(all.visible);
  totals.intersections += static_cast<std::size_t>(all.intersections);
  frame.dirty_count = 0;
  for (int tile = 0; tile < frame.tiles(); ++tile) {
    frame.scratch.dirty_tiles[frame.dirty_count] = static_cast<std::uint32_t>(tile);
    frame.dirty_count += frame.scratch.dirty[tile];
  }
}

bool order_changes(RasterFrame& frame, const Target& shown) {
  bool fits = true;
  // The first task is the longest, and is handed out first.
  frame.executor.for_each(1 + frame.tiles_y, [&](int task, int) {
    if (task == 0) {
      fits = list_mover_tiles(frame);
    } else {
      copy_clean_tiles(frame, shown, task - 1);
    }
  });
  return fits;
}

void show(RasterFrame& frame, const Target& shown) {
  frame.executor.for_each(
      frame.tiles_y, [&](int row, int) { copy_tiles(frame, shown, row * frame.tiles_x, frame.tiles_x); });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
