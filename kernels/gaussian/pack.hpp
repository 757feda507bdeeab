// SPDX-License-Identifier: Apache-2.0
//
// Gaussians as people hold them, one after the other with quaternions and scales, into blocks of 16 with
// frames (splats.hpp). Numbers that are broken stay broken, so that the rasterizer drops and counts them.
#pragma once

#include <cstddef>

#include "kernels/executor.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::gaussian {

/// Rows without gaps.
struct Shapes {
  int count = 0;                     // N
  const float* means = nullptr;      // [N, 3]
  const float* quats = nullptr;      // [N, 4] w first, any length; one of length 0 has no rotation: broken
  const float* scales = nullptr;     // [N, 3] standard deviations; their signs do not matter
  const float* opacities = nullptr;  // [N]
};

/// Fills means [blocks, 3, 16], frames [blocks, 9, 16] and opacities [blocks, 1, 16]; padding is zero.
void pack_shapes(const Shapes& from, float* means, float* frames, float* opacities, Executor& executor);

/// Colours or harmonics of three channels out of a row of `channels` per Gaussian and base.
struct ColorRows {
  int count = 0;                // N
  const float* rows = nullptr;  // [N, stored bases, channels]
  int stored_bases = 1;         // that a row has
  int bases = 1;                // that are taken
  int channels = 3;             // D
  int first_channel = 0;        // of the three; channels beyond D are zero
};

/// Fills sh [blocks, 3 * bases, 16]. A Gaussian with a broken number in any of its D channels loses its
/// opacity [blocks, 1, 16] to NaN: it is left out of every channel, not of some.
void pack_colors(const ColorRows& from, float* sh, float* opacities, Executor& executor);

}  // namespace talkrt::gaussian
