// SPDX-License-Identifier: Apache-2.0
//
// One call that renders a scene.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/gaussian/scalar_reference.hpp"

namespace talkrt::testing {

using gaussian::Aligned;
using gaussian::pack;
using gaussian::PackedScene;
using gaussian::Scene;
using gaussian::scalar::ReferencePicture;
using gaussian::scalar::render_reference;

struct Picture {
  int width = 0, height = 0;
  std::vector<float> rgba;          // [H, W, 4]
  std::vector<float> depth;         // [H, W]
  std::vector<std::uint8_t> rgba8;  // [H, W, 4]
  gaussian::RasterStats stats;
};

/// Renders every output, growing the scratch once if it was too small.
Picture render(const Scene& scene, int workers = 1);

}  // namespace talkrt::testing
