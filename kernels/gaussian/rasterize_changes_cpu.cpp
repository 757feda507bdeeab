// SPDX-License-Identifier: Apache-2.0
//
// Decides how much of a frame is drawn again: all of it straight to the target while everything moves; all
// of it into the kept picture once the view holds; and from then on what changed.
#include <algorithm>
#include <bit>
#include <iterator>

#include "kernels/gaussian/raster_driver.hpp"

namespace talkrt::gaussian {
namespace {

/// Of blocks: with more changed ones, drawing everything is as fast.
constexpr int kMostChanged = 2;  // half of them

/// Bit by bit: -0 and 0 project alike, but not to the same bits.
bool same_camera(const Camera& a, const Camera& b) {
  const auto same = [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  };
  return std::equal(std::begin(a.viewmat), std::end(a.viewmat), std::begin(b.viewmat), same) &&
         std::equal(std::begin(a.K), std::end(a.K), std::begin(b.K), same) && a.width == b.width &&
         a.height == b.height;
}

/// Whether what `history` knows was drawn with the same arguments, splats and target apart.
bool same_view(const RasterHistory& history, const RasterHistory& now) {
  return history.seen && history.scratch == now.scratch && history.limits == now.limits &&
         history.count == now.count && history.sh_degree == now.sh_degree &&
         same_camera(history.camera, now.camera) && history.options == now.options &&
         history.background == now.background;
}

/// Draws everything into the kept picture, so that the next frame can go on from it.
RasterStats draw_and_keep(RasterFrame& frame, const Target& target, RasterHistory& history) {
  const RasterStats stats = draw_frame(frame, history.limits, true);
  history.listed = stats.complete;
  history.visible = stats.visible;
  history.intersections = stats.intersections;
  if (stats.complete) active_cpu_path().show(frame, target);
  return stats;
}

/// Draws only what changed; incomplete when too much has.
RasterStats draw_changes(RasterFrame& frame, const Changes& changes, const Target& target,
                         RasterHistory& history) {
  const CpuPath& path = active_cpu_path();
  RasterStats stats;
  Stopwatch watch;
  Totals totals{history.visible, history.intersections};
  path.project_changes(frame, changes, totals);
  history.visible = stats.visible = totals.visible;
  history.intersections = stats.intersections = totals.intersections;
  stats.project_ns = watch.lap();
  stats.complete = path.order_changes(frame, target);
  stats.sort_ns = watch.lap();
  if (!stats.complete) return stats;
  path.blend_changes(frame, target);
  stats.blend_ns = watch.lap();
  stats.tiles_drawn = static_cast<std::size_t>(frame.dirty_count);
  return stats;
}

/// `frame` is the caller's, not started.
RasterStats draw(RasterFrame frame, const Changes& changes, const RasterLimits& limits, std::byte* scratch,
                 RasterHistory& history) {
  check_frame(frame.splats, frame.camera, limits);
  const RasterHistory now{.seen = true,
                          .scratch = scratch,
                          .limits = limits,
                          .count = frame.splats.count,
                          .sh_degree = frame.splats.sh_degree,
                          .camera = frame.camera,
                          .options = frame.options,
                          .background = frame.background};
  frame.scratch = lay_out_scratch(limits, scratch);
  start_frame(frame, limits);
  const Target& target = frame.target;
  // Lists brought up to date are not in parts, so with layers apart it is nothing or everything.
  const int most = frame.options.layers_apart ? 0 : blocks_of(frame.splats.count) / kMostChanged;
  const bool few = !changes.all && changes.count <= most;
  const bool bytes_only = target.rgba8 != nullptr && target.rgba_float == nullptr &&
                          target.depth == nullptr && target.channels == nullptr;
  if (!few || !bytes_only || !same_view(history, now)) {
    history = now;
    return draw_frame(frame, limits, false);
  }
  const std::int64_t stride = std::int64_t{frame.tiles_x} * kTile * 4;
  frame.scratch.picture_stride = stride;
  Target picture;
  picture.rgba8 = frame.scratch.picture;
  picture.rgba8_stride = stride;
  picture.cut_off = target.cut_off;
  RasterFrame kept{frame.splats,     frame.posed, frame.moved,    frame.camera, frame.options,
                   frame.background, picture,     frame.executor, frame.scratch};
  start_frame(kept, limits);
  if (history.listed) {
    // Until it is complete: an exception of the executor would leave the scratch half changed.
    history.listed = false;
    const RasterStats stats = draw_changes(kept, changes, target, history);
    history.listed = stats.complete;
    if (stats.complete) return stats;
  }
  return draw_and_keep(kept, target, history);
}

}  // namespace

RasterStats rasterize_changes_cpu(const Splats& splats, const Changes& changes, const Camera& camera,
                                  const RasterOptions& options, const Background& background,
                                  const Target& target, const RasterLimits& limits, std::byte* scratch,
                                  RasterHistory& history, Executor& executor) {
  return draw({splats, nullptr, nullptr, camera, options, background, target, executor, {}}, changes, limits,
              scratch, history);
}

RasterStats rasterize_rig_cpu(const RigView& rig, const Pose& pose, const Changes& changes,
                              const Camera& camera, const RasterOptions& options,
                              const Background& background, const Target& target, const RasterLimits& limits,
                              std::byte* scratch, RasterHistory& history, Executor& executor) {
  const PosedRig posed{rig, pose};
  return draw({rig.rest, &posed, nullptr, camera, options, background, target, executor, {}}, changes, limits,
              scratch, history);
}

RasterStats rasterize_moved_cpu(const Splats& rest, const Movement& movement, const Changes& changes,
                                const Camera& camera, const RasterOptions& options,
                                const Background& background, const Target& target,
                                const RasterLimits& limits, std::byte* scratch, RasterHistory& history,
                                Executor& executor) {
  return draw({rest, nullptr, &movement, camera, options, background, target, executor, {}}, changes, limits,
              scratch, history);
}

}  // namespace talkrt::gaussian
