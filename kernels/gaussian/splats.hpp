// SPDX-License-Identifier: Apache-2.0
//
// Gaussians as the kernels take them: blocks of 16, channels apart inside a block, so that one vector
// load fetches one channel of 16 (or twice 8) neighbours.
//
//   element c of Gaussian i of an array with C channels: [(i / 16) * C * 16 + c * 16 + i % 16]
//
// Arrays are 64-byte aligned and padded to a whole block; padding has opacity 0.
#pragma once

#include <cstdint>

namespace talkrt::gaussian {

inline constexpr int kBlock = 16;  // Gaussians per block

constexpr int blocks_of(int count) { return (count + kBlock - 1) / kBlock; }
inline constexpr int kPlainColors = -1;  // as sh_degree: `sh` holds colours, drawn as they are
constexpr int sh_bases(int degree) { return degree == kPlainColors ? 1 : (degree + 1) * (degree + 1); }

struct Splats {
  int count = 0;                         // N
  int sh_degree = 0;                     // 0 to 3, or kPlainColors; B = (degree + 1)^2
  const float* means = nullptr;          // [blocks, 3, 16] world
  const float* frames = nullptr;         // [blocks, 9, 16] row-major 3x3; covariance = frame frame^T
  const float* opacities = nullptr;      // [blocks, 1, 16] in [0, 1]
  const float* sh = nullptr;             // [blocks, 3 * B, 16], base by base, RGB within a base
  const std::uint8_t* layers = nullptr;  // [blocks, 16] 0 in front, 1 behind; may be null
};

struct Camera {
  float viewmat[16] = {};  // world to camera, row-major, acts on column vectors
  float K[9] = {};         // intrinsics, pixels, row-major
  int width = 0, height = 0;
};

}  // namespace talkrt::gaussian
