// SPDX-License-Identifier: Apache-2.0
//
// Last stage of portraits: a network's picture as bytes, alone or in its place in a larger one.
//
//   planes [3, side, side] in [0, 1] -> to_bytes: RGBA8 [side, side, 4] -> paste: RGBA8 frame
//
// Cost of paste: 4 B a pixel are copied; inside the square's bounds a pixel takes 3 bilinear reads of the
// frame and one of the mask, some 60 flops in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/executor.hpp"
#include "kernels/image/affine.hpp"

namespace talkrt::image {

/// Opaque; values outside [0, 1] and NaN are brought into it; fractions of a step are cut, not rounded.
void to_bytes(const float* planes, int side, std::uint8_t* rgba, std::ptrdiff_t stride, Executor& executor);

/// [side, side]: 1 in the middle, falling to 0 over the outer tenth, round at the corners.
void blend_mask(int side, std::span<double> mask);

/// RGBA8, [height, width, 4], packed.
struct Background {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0;
};

struct Paste {
  const std::uint8_t* frame = nullptr;  // [side, side, 4], packed
  const double* mask = nullptr;         // [side, side]: the share of the frame
  int side = 0;
  Affine to_frame;  // from the background's coordinates
};

/// The background with the frame in its place, into `out` of the background's size, rows `stride` bytes
/// apart. Bilinear, fractions are cut.
void paste(const Background& background, const Paste& what, std::uint8_t* out, std::ptrdiff_t stride,
           Executor& executor);

/// A picture in another size: each pixel the mean of what it covers, or bilinear where that is less than one
/// pixel. RGBA8, `out` packed.
void resized(const Background& picture, int width, int height, std::uint8_t* out, std::ptrdiff_t stride,
             Executor& executor);

}  // namespace talkrt::image
