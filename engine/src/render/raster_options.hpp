// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/src/plan/manifest.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

/// How the Gaussians of a plan were trained to be drawn.
[[nodiscard]] inline gaussian::RasterOptions options_of(const plan::Gaussian& spec) {
  gaussian::RasterOptions options;
  options.antialias = spec.antialias;
  return options;
}

}  // namespace talkrt::render
