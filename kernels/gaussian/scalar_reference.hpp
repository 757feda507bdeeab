// SPDX-License-Identifier: Apache-2.0
//
// The rasterizer as one would write it first: float64, one splat and one pixel at a time, covariances and
// inverses spelled out. Shares no code and no algebra with the kernels.
#pragma once

#include <vector>

#include "kernels/gaussian/scene.hpp"

namespace talkrt::gaussian::scalar {

struct ReferencePicture {
  int width = 0, height = 0;
  std::vector<double> rgba;    // [H, W, 4] premultiplied over the background; alpha = 1 - transmittance
  std::vector<double> depth;   // [H, W] expected depth, 0 where empty
  std::vector<bool> boundary;  // [H, W] some decision here hangs on less than float32 can tell
};

ReferencePicture render_reference(const Scene& scene);

}  // namespace talkrt::gaussian::scalar
