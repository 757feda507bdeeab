// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/gaussian_renderer.hpp"

#include <algorithm>

namespace talkrt::render {
namespace {

// Turning, speaking and leaning in change how many tiles the splats touch by less than this.
std::size_t with_headroom(std::size_t intersections) { return intersections + intersections / 2 + 4096; }

}  // namespace

GaussianRenderer::GaussianRenderer(const gaussian::RigView& rig, const gaussian::Pose& pose,
                                   const gaussian::Camera& camera, const gaussian::RasterOptions& options,
                                   const gaussian::Background& background, const gaussian::Target& target,
                                   Executor& executor, device::Budget& budget, Warn warn)
    : rig_(&rig), options_(options), budget_(&budget) {
  limits_ = {rig.rest.count, camera.width, camera.height, executor.workers(), 0, true};
  reserve(static_cast<std::size_t>(rig.rest.count));
  const gaussian::Changes everything{nullptr, 0, true};
  const auto measured = gaussian::rasterize_rig_cpu(rig, pose, everything, camera, options_, background,
                                                    target, limits_, scratch_.data(), history_, executor);
  scratch_ = device::Buffer();  // so that the account never holds both
  reserve(with_headroom(measured.intersections));
  // Touch the memory that frames will use: all that a moving head needs, then what a still one adds.
  draw(pose, everything, camera, background, target, executor);
  draw(pose, {}, camera, background, target, executor);
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

void GaussianRenderer::draw(const gaussian::Pose& pose, const gaussian::Changes& changes,
                            const gaussian::Camera& camera, const gaussian::Background& background,
                            const gaussian::Target& target, Executor& executor) {
  const auto attempt = [&] {
    return gaussian::rasterize_rig_cpu(*rig_, pose, changes, camera, options_, background, target, limits_,
                                       scratch_.data(), history_, executor);
  };
  gaussian::RasterStats stats = attempt();
  if (stats.complete) return;
  const std::size_t before = limits_.intersections;
  reserve(with_headroom(stats.intersections));
  if (warn_) {
    warn_("the rasterizer's scratch grew from " + std::to_string(before) + " to " +
          std::to_string(limits_.intersections) + " intersections for one view; the frame is complete");
  }
  attempt();
}

}  // namespace talkrt::render
