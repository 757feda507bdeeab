// SPDX-License-Identifier: Apache-2.0
//
// The raw file in which benchmarks/scenes.py hands scenes over. Little-endian:
// int32 {magic, count, sh_degree, width, height, flags (1 antialias, 2 Inria), backdrop, workers},
// float32 {near, far, eps2d, radius_clip, color[3], viewmat[16], K[9]}, float32 means [N,3], frames [N,9],
// opacities [N], sh [N,B,3], uint8 layers [N], then the picture uint8 [H,W,3] when the backdrop is 1 (an
// image).
#pragma once

#include <string>

#include "tests/kernels/gaussian/scene.hpp"

namespace talkrt::testing {

/// Throws std::runtime_error when the file cannot be read or is not a scene.
Scene load_scene(const std::string& path, int& workers);

}  // namespace talkrt::testing
