// SPDX-License-Identifier: Apache-2.0
//
// One frame: project, sort, bin, blend; and the scratch they share.
#include <chrono>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "kernels/gaussian/cpu_path.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::gaussian {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr int kMaxSide = 32768;  // pixels; tile numbers fit 16 bits, pixel centres are exact in fp32
// Tile lists are indexed with 32 bits.
constexpr std::size_t kMaxIntersections = std::numeric_limits<std::uint32_t>::max();

int tiles_along(int pixels) { return (pixels + kTile - 1) / kTile; }
int chunks_of(int count) { return (blocks_of(count) + kChunkBlocks - 1) / kChunkBlocks; }

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

void require(bool holds, const char* what, std::int64_t found, std::int64_t limit) {
  if (holds) return;
  throw std::invalid_argument("rasterize_cpu: " + std::string(what) + " is " + std::to_string(found) +
                              ", the limit is " + std::to_string(limit));
}

void check(const Splats& splats, const Camera& camera, const RasterLimits& limits) {
  require(splats.count >= 0 && splats.count <= limits.count, "splats.count", splats.count, limits.count);
  require(splats.sh_degree >= kPlainColors && splats.sh_degree <= 3, "splats.sh_degree", splats.sh_degree, 3);
  require(camera.width >= 1 && camera.width <= kMaxSide, "camera.width", camera.width, kMaxSide);
  require(camera.height >= 1 && camera.height <= kMaxSide, "camera.height", camera.height, kMaxSide);
  const auto tiles = [](int w, int h) { return static_cast<std::int64_t>(tiles_along(w)) * tiles_along(h); };
  require(tiles(camera.width, camera.height) <= tiles(limits.width, limits.height), "tiles of the image",
          tiles(camera.width, camera.height), tiles(limits.width, limits.height));
}

Chunk sum_up(const RasterFrame& frame) {
  Chunk all;
  for (int c = 0; c < frame.chunks; ++c) {
    const Chunk& chunk = frame.scratch.chunks[c];
    all.visible += chunk.visible;
    all.invalid += chunk.invalid;
    all.min_depth = chunk.min_depth < all.min_depth ? chunk.min_depth : all.min_depth;
    all.max_depth = chunk.max_depth > all.max_depth ? chunk.max_depth : all.max_depth;
    all.layers |= chunk.layers;
    all.intersections += chunk.intersections;
  }
  return all;
}

/// Nanoseconds since the last call.
class Stopwatch {
 public:
  std::uint64_t lap() {
    const auto now = std::chrono::steady_clock::now();
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
    last_ = now;
    return static_cast<std::uint64_t>(passed);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
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
  scratch.bytes = layout.bytes();
  return scratch;
}

std::size_t raster_scratch_bytes(const RasterLimits& limits) {
  return lay_out_scratch(limits, nullptr).bytes;
}

RasterStats rasterize_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                          const Background& background, const Target& target, const RasterLimits& limits,
                          std::byte* scratch, Executor& executor) {
  check(splats, camera, limits);
  const CpuPath& path = active_cpu_path();
  RasterFrame frame{splats, camera, options, background, target, executor, lay_out_scratch(limits, scratch)};
  frame.chunks = chunks_of(splats.count);
  frame.tiles_x = tiles_along(camera.width);
  frame.tiles_y = tiles_along(camera.height);
  frame.groups = groups_of(limits.workers);

  RasterStats stats;
  Stopwatch watch;
  path.project(frame);
  const Chunk all = sum_up(frame);
  stats.visible = all.visible;
  stats.invalid = all.invalid;
  stats.intersections = all.intersections;
  stats.project_ns = watch.lap();
  if (all.intersections > limits.intersections || all.intersections > kMaxIntersections) return stats;
  path.sort(frame, all);
  stats.sort_ns = watch.lap();
  path.bin(frame, all);
  stats.bin_ns = watch.lap();
  path.blend(frame);
  stats.blend_ns = watch.lap();
  stats.complete = true;
  return stats;
}

void deform_cpu(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor) {
  active_cpu_path().deform(rig, pose, out, executor);
}

void project_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                 const Projection& out, Executor& executor) {
  check(splats, camera, {splats.count, camera.width, camera.height});
  active_cpu_path().project_only(splats, camera, options, out, executor);
}

const char* cpu_path() { return active_cpu_path().name; }

}  // namespace talkrt::gaussian
