// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/src/plan/manifest.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

/// How the Gaussians of a plan were trained to be drawn.
[[nodiscard]] inline gaussian::RasterOptions options_of(const plan::Gaussian& spec) {
  gaussian::RasterOptions options;
  options.antialias = spec.antialias;
  if (spec.convention == plan::Convention::inria) options.convention = gaussian::Convention::inria;
  options.near_plane = gaussian::default_near_plane(options.convention);
  return options;
}

}  // namespace talkrt::render
