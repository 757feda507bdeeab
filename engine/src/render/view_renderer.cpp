// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/view_renderer.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::render {
namespace {

// The rasterizer counts pairs of splat and tile with 32 bits.
constexpr std::size_t kMostIntersections = std::numeric_limits<std::uint32_t>::max();

// So that the next views of a moving camera fit too.
std::size_t with_headroom(std::size_t intersections) {
  return std::min(intersections + intersections / 4 + 4096, kMostIntersections);
}

}  // namespace

gaussian::RasterStats ViewRenderer::draw(const gaussian::Splats& splats, const gaussian::Camera& camera,
                                         const gaussian::Background& background,
                                         const gaussian::Target& target, Executor& executor) {
  gaussian::RasterLimits wanted{splats.count, std::max(limits_.width, camera.width),
                                std::max(limits_.height, camera.height), executor.workers(),
                                std::max(limits_.intersections, static_cast<std::size_t>(splats.count))};
  while (true) {
    if (gaussian::raster_scratch_bytes(wanted) > scratch_.size()) reserve(wanted);
    const gaussian::RasterStats stats = gaussian::rasterize_cpu(splats, camera, options_, background, target,
                                                                limits_, scratch_.data(), executor);
    if (stats.complete) return stats;
    if (stats.intersections > kMostIntersections) {
      throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "this view has " + std::to_string(stats.intersections) +
                                                  " pairs of splat and tile, at most " +
                                                  std::to_string(kMostIntersections) +
                                                  " can be sorted: draw it smaller");
    }
    wanted.intersections = with_headroom(stats.intersections);
  }
}

void ViewRenderer::reserve(const gaussian::RasterLimits& limits) {
  // The old scratch goes first: the largest scenes have no room for both.
  limits_ = {};
  scratch_ = device::Buffer();
  scratch_ = device::Buffer(*budget_, "rasterizer scratch of views", gaussian::raster_scratch_bytes(limits));
  limits_ = limits;
}

}  // namespace talkrt::render
