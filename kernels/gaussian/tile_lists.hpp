// SPDX-License-Identifier: Apache-2.0
//
// What a tile blends, nearest first, a part at a time: the list that bin made, or that list brought up to
// date. Both are in the order of (layer, depth, index), so a tile looks the same whichever it was drawn from.
#pragma once

#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/tile_blocks.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// Indices of records; at most kBatch.
struct ListPart {
  const std::uint32_t* begin;
  int count;
};

/// A contiguous list of indices.
struct ListRange {
  const std::uint32_t* at;
  const std::uint32_t* end;

  ListRange(const std::uint32_t* lists, const std::uint32_t* begins, int tile)
      : at(lists + begins[tile]), end(lists + begins[tile + 1]) {}

  /// Takes out what lies behind layer 0: the list's end, for lists are in order of layers.
  ListRange split(const std::uint8_t* layers) {
    ListRange behind = *this;
    while (behind.at != behind.end) {
      const std::uint32_t* middle = behind.at + (behind.end - behind.at) / 2;
      if (layers[*middle] == 0) {
        behind.at = middle + 1;
      } else {
        behind.end = middle;
      }
    }
    behind.end = end;
    end = behind.at;
    return behind;
  }

  void prefetch_records(const Record* records) const {
    const std::uint32_t* stop = end - at > kBatch ? at + kBatch : end;
    for (const std::uint32_t* i = at; i != stop; ++i) prefetch(records + *i);
  }
};

/// The list that bin made in this frame.
class WholeList {
 public:
  static constexpr bool kSplits = true;

  WholeList(const RasterScratch& scratch, int tile) : left_(scratch.tile_lists, scratch.tile_begin, tile) {}
  [[nodiscard]] bool empty() const { return left_.at == left_.end; }
  /// Its part in layer 0 stays; the rest is returned.
  WholeList split(const std::uint8_t* layers) { return WholeList(left_.split(layers)); }

  /// Starts to fetch the records of a tile.
  static void prefetch(const RasterScratch& scratch, int tile) {
    ListRange(scratch.tile_lists, scratch.tile_begin, tile).prefetch_records(scratch.records);
  }
  /// The next part; empty at the end.
  ListPart take() {
    const ListPart part{left_.at,
                        left_.end - left_.at < kBatch ? static_cast<int>(left_.end - left_.at) : kBatch};
    left_.at += part.count;
    return part;
  }

 private:
  explicit WholeList(const ListRange& range) : left_(range) {}

  ListRange left_;
};

/// The list of an earlier frame without the splats that have moved since, merged with those where they are.
class PatchedList {
 public:
  static constexpr bool kSplits = false;

  PatchedList(const RasterScratch& scratch, int tile)
      : scratch_(scratch),
        kept_(scratch.tile_lists, scratch.tile_begin, tile),
        movers_(scratch.mover_lists, scratch.mover_begin, tile) {}

  static void prefetch(const RasterScratch& scratch, int tile) {
    ListRange(scratch.tile_lists, scratch.tile_begin, tile).prefetch_records(scratch.records);
    ListRange(scratch.mover_lists, scratch.mover_begin, tile).prefetch_records(scratch.records);
  }
  ListPart take() {
    int count = 0;
    while (count < kBatch) {
      while (kept_.at != kept_.end && has_moved(*kept_.at)) ++kept_.at;
      const bool keep = kept_.at != kept_.end, move = movers_.at != movers_.end;
      if (keep && (!move || order(*kept_.at) < order(*movers_.at))) {
        part_[count++] = *kept_.at++;
      } else if (move) {
        part_[count++] = *movers_.at++;
      } else {
        break;
      }
    }
    return {part_, count};
  }

 private:
  [[nodiscard]] bool has_moved(std::uint32_t i) const {
    return (scratch_.moved[i / kBlock] >> i % kBlock & 1) != 0;
  }
  [[nodiscard]] std::uint64_t order(std::uint32_t i) const {
    return std::uint64_t{scratch_.keys[i]} << 32 | i;
  }

  const RasterScratch& scratch_;
  ListRange kept_, movers_;
  std::uint32_t part_[kBatch];
};

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
