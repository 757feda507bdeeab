// SPDX-License-Identifier: Apache-2.0
//
// Where the stages' arrays lie in the caller's scratch.
#include "kernels/gaussian/raster_frame.hpp"

namespace talkrt::gaussian {
namespace {

constexpr std::size_t kAlignment = 64;

/// Hands out aligned pieces of one allocation; with a null base it only adds up.
class Layout {
 public:
  explicit Layout(std::byte* base) : base_(base) {}

  template <class T>
  T* take(std::size_t count) {
    std::byte* at = base_ == nullptr ? nullptr : base_ + bytes_;
    bytes_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(at);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  std::size_t bytes_ = 0;
};

}  // namespace

RasterScratch lay_out_scratch(const RasterLimits& limits, std::byte* base) {
  const auto blocks = static_cast<std::size_t>(blocks_of(limits.count));
  const auto chunks = static_cast<std::size_t>(chunks_of(limits.count));
  const std::size_t tiles = static_cast<std::size_t>(tiles_along(limits.width)) *
                            static_cast<std::size_t>(tiles_along(limits.height));
  const auto groups = static_cast<std::size_t>(groups_of(limits.workers));
  Layout layout(base);
  RasterScratch scratch;
  scratch.records = layout.take<Record>(blocks * kBlock);
  scratch.rects = layout.take<TileRect>(blocks * kBlock);
  for (SortItem*& items : scratch.items) items = layout.take<SortItem>(blocks * kBlock);
  scratch.chunks = layout.take<Chunk>(chunks);
  scratch.histogram = layout.take<std::uint32_t>(groups * kHistogramStride);
  scratch.tile_cursors = layout.take<std::uint32_t>(groups * tiles);
  scratch.tile_begin = layout.take<std::uint32_t>(tiles + 1);
  scratch.tile_lists = layout.take<std::uint32_t>(
      limits.intersections < kMaxIntersections ? limits.intersections : kMaxIntersections);
  if (limits.history) {
    // More movers than these are drawn faster in full.
    scratch.mover_capacity = limits.intersections / 4 + tiles;
    scratch.keys = layout.take<std::uint32_t>(blocks * kBlock);
    scratch.moved = layout.take<std::uint16_t>(blocks);
    scratch.dirty = layout.take<std::uint8_t>(tiles);
    scratch.dirty_tiles = layout.take<std::uint32_t>(tiles);
    scratch.mover_begin = layout.take<std::uint32_t>(tiles + 1);
    scratch.mover_lists = layout.take<std::uint32_t>(scratch.mover_capacity);
    // The tiles of another size of image may lie in more columns than the limits' own.
    scratch.picture = layout.take<std::uint8_t>(tiles * kTile * kTile * 4);
  }
  scratch.bytes = layout.bytes();
  return scratch;
}

std::size_t raster_scratch_bytes(const RasterLimits& limits) {
  return lay_out_scratch(limits, nullptr).bytes;
}

}  // namespace talkrt::gaussian
