// SPDX-License-Identifier: Apache-2.0
//
// One frame: project, sort, bin, blend.
#include <stdexcept>
#include <string>

#include "kernels/gaussian/raster_driver.hpp"

namespace talkrt::gaussian {
namespace {

constexpr int kMaxSide = 32768;  // pixels; tile numbers fit 16 bits, pixel centres are exact in fp32

void require(bool holds, const char* what, std::int64_t found, std::int64_t limit) {
  if (holds) return;
  throw std::invalid_argument("rasterize_cpu: " + std::string(what) + " is " + std::to_string(found) +
                              ", the limit is " + std::to_string(limit));
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

}  // namespace

void check_frame(const Splats& splats, const Camera& camera, const RasterLimits& limits) {
  require(splats.count >= 0 && splats.count <= limits.count, "splats.count", splats.count, limits.count);
  require(splats.sh_degree >= kPlainColors && splats.sh_degree <= 3, "splats.sh_degree", splats.sh_degree, 3);
  require(camera.width >= 1 && camera.width <= kMaxSide, "camera.width", camera.width, kMaxSide);
  require(camera.height >= 1 && camera.height <= kMaxSide, "camera.height", camera.height, kMaxSide);
  const auto tiles = [](int w, int h) { return static_cast<std::int64_t>(tiles_along(w)) * tiles_along(h); };
  require(tiles(camera.width, camera.height) <= tiles(limits.width, limits.height), "tiles of the image",
          tiles(camera.width, camera.height), tiles(limits.width, limits.height));
}

void start_frame(RasterFrame& frame, const RasterLimits& limits) {
  frame.chunks = chunks_of(frame.splats.count);
  frame.tiles_x = tiles_along(frame.camera.width);
  frame.tiles_y = tiles_along(frame.camera.height);
  frame.groups = groups_of(limits.workers);
}

RasterStats draw_frame(RasterFrame& frame, const RasterLimits& limits, bool for_changes) {
  const CpuPath& path = active_cpu_path();
  RasterStats stats;
  Stopwatch watch;
  path.project(frame);
  const Chunk all = sum_up(frame);
  stats.visible = all.visible;
  stats.invalid = all.invalid;
  stats.intersections = all.intersections;
  if (for_changes) path.keep(frame);
  stats.project_ns = watch.lap();
  if (all.intersections > limits.intersections || all.intersections > kMaxIntersections) return stats;
  path.sort(frame, all);
  stats.sort_ns = watch.lap();
  path.bin(frame, all);
  stats.bin_ns = watch.lap();
  path.blend(frame);
  stats.blend_ns = watch.lap();
  stats.tiles_drawn = static_cast<std::size_t>(frame.tiles());
  stats.complete = true;
  return stats;
}

RasterStats rasterize_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                          const Background& background, const Target& target, const RasterLimits& limits,
                          std::byte* scratch, Executor& executor) {
  check_frame(splats, camera, limits);
  RasterFrame frame{splats, nullptr,  nullptr,
                    camera, options,  background,
                    target, executor, lay_out_scratch(limits, scratch)};
  start_frame(frame, limits);
  return draw_frame(frame, limits, false);
}

void deform_cpu(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor) {
  active_cpu_path().deform(rig, pose, out, executor);
}

void move_cpu(const Splats& rest, const Movement& movement, const PosedSplats& out, Executor& executor) {
  active_cpu_path().move(rest, movement, out, executor);
}

void project_cpu(const Splats& splats, const Camera& camera, const RasterOptions& options,
                 const Projection& out, Executor& executor) {
  check_frame(splats, camera, {splats.count, camera.width, camera.height});
  active_cpu_path().project_only(splats, camera, options, out, executor);
}

const char* cpu_path() { return active_cpu_path().name; }

}  // namespace talkrt::gaussian
