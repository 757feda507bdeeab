// SPDX-License-Identifier: Apache-2.0
//
// Splats to pixels from any camera of the host's, at any size. Takes its scratch when a view first needs it,
// keeps it for the next one, and has nothing to do with the renderer of a session's own frames.
#pragma once

#include <cstddef>

#include "engine/src/device/budget.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class ViewRenderer {
 public:
  /// `budget` must outlive it.
  ViewRenderer(const gaussian::RasterOptions& options, device::Budget& budget)
      : options_(options), budget_(&budget) {}

  /// `background` is of the camera's size. Throws OUT_OF_BUDGET or OUT_OF_MEMORY; a smaller view may still be
  /// drawn then.
  gaussian::RasterStats draw(const gaussian::Splats& splats, const gaussian::Camera& camera,
                             const gaussian::Background& background, const gaussian::Target& target,
                             Executor& executor);

 private:
  void reserve(const gaussian::RasterLimits& limits);

  gaussian::RasterOptions options_;
  gaussian::RasterLimits limits_;
  device::Budget* budget_;
  device::Buffer scratch_;
};

}  // namespace talkrt::render
