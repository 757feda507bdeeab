// SPDX-License-Identifier: Apache-2.0
//
// Splats to pixels from any camera of the host's, at any size. Takes its scratch when a view first needs it,
// keeps it for the next one, and has nothing to do with the renderer of a session's own frames.
#pragma once

#include <cstddef>

#include "engine/src/device/budget.hpp"
#include "engine/src/render/backdrop.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

class ViewRenderer {
 public:
  /// `backdrop` and `budget` must outlive it.
  ViewRenderer(const Backdrop& backdrop, const gaussian::RasterOptions& options, device::Budget& budget)
      : backdrop_(&backdrop), options_(options), budget_(&budget) {}

  /// Throws OUT_OF_BUDGET or OUT_OF_MEMORY; a smaller view may still be drawn then.
  gaussian::RasterStats draw(const gaussian::Splats& splats, const gaussian::Camera& camera,
                             const gaussian::Target& target, Executor& executor);

 private:
  void reserve(const gaussian::RasterLimits& limits);
  [[nodiscard]] const gaussian::Background& behind(const gaussian::Camera& camera);

  const Backdrop* backdrop_;
  Backdrop resized_;  // of the last size that was not the session's
  gaussian::RasterOptions options_;
  gaussian::RasterLimits limits_;
  device::Budget* budget_;
  device::Buffer scratch_;
};

}  // namespace talkrt::render
