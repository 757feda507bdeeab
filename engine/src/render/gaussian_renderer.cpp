// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/gaussian_renderer.hpp"

#include <algorithm>

namespace talkrt::render {
namespace {

// Turning, speaking and leaning in change how many tiles the splats touch by less than this.
std::size_t with_headroom(std::size_t intersections) { return intersections + intersections / 2 + 4096; }

}  // namespace

GaussianRenderer::GaussianRenderer(const Figure& figure, const gaussian::Camera& camera,
                                   const gaussian::RasterOptions& options,
                                   const gaussian::Background& background, const gaussian::Target& target,
                                   Executor& executor, device::Budget& budget, Warn warn)
    : options_(options), budget_(&budget) {
  const int count = figure.splats().count;
  limits_ = {count, camera.width, camera.height, executor.workers(), 0, true};
  reserve(static_cast<std::size_t>(count));
  const gaussian::Changes everything{nullptr, 0, true};
  const auto measured = attempt(figure, everything, camera, background, target, executor);
  scratch_ = device::Buffer();  // so that the account never holds both
  reserve(with_headroom(measured.intersections));
  // Touch the memory that frames will use: all that a moving head needs, then what a still one adds.
  draw(figure, everything, camera, background, target, executor);
  draw(figure, {}, camera, background, target, executor);
  warn_ = std::move(warn);
}

void GaussianRenderer::reserve(std::size_t intersections) {
  gaussian::RasterLimits wanted = limits_;
  wanted.intersections = intersections;
  // The new scratch is charged while the old one still is: a refusal leaves the session as it was.
  scratch_ = device::Buffer(*budget_, "rasterizer scratch", gaussian::raster_scratch_bytes(wanted));
  limits_ = wanted;
  history_ = {};
}

gaussian::RasterStats GaussianRenderer::attempt(const Figure& figure, const gaussian::Changes& changes,
                                                const gaussian::Camera& camera,
                                                const gaussian::Background& background,
                                                const gaussian::Target& target, Executor& executor) {
  if (figure.rig != nullptr) {
    return gaussian::rasterize_rig_cpu(*figure.rig, figure.pose, changes, camera, options_, background,
                                       target, limits_, scratch_.data(), history_, executor);
  }
  return gaussian::rasterize_moved_cpu(*figure.rest, figure.movement, changes, camera, options_, background,
                                       target, limits_, scratch_.data(), history_, executor);
}

void GaussianRenderer::draw(const Figure& figure, const gaussian::Changes& changes,
                            const gaussian::Camera& camera, const gaussian::Background& background,
                            const gaussian::Target& target, Executor& executor) {
  const gaussian::RasterStats stats = attempt(figure, changes, camera, background, target, executor);
  if (stats.complete) return;
  const std::size_t before = limits_.intersections;
  reserve(with_headroom(stats.intersections));
  if (warn_) {
    warn_("the rasterizer's scratch grew from " + std::to_string(before) + " to " +
          std::to_string(limits_.intersections) + " intersections for one view; the frame is complete");
  }
  attempt(figure, changes, camera, background, target, executor);
}

}  // namespace talkrt::render
