// SPDX-License-Identifier: Apache-2.0
//
// Stage 1 of portraits: a square of a picture as networks want it.
//
//   RGB8 picture -> cut: RGB8 crop [side, side, 3] -> halved: planes [3, side / 2, side / 2] in [0, 1]
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/executor.hpp"
#include "kernels/image/affine.hpp"

namespace talkrt::image {

/// RGB8, [height, width, 3], packed; borrowed.
struct RgbView {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0;
};

/// A picture of 3 or 4 channels laid over white, as RGBA8 and as RGB8.
void over_white(const std::uint8_t* pixels, int channels, std::size_t count, std::uint8_t* rgba,
                std::uint8_t* rgb);

/// Each pixel of the crop is the mean of n x n bilinear samples of the picture, spread over what `to_picture`
/// makes of the pixel: one where the crop is not smaller than its place in the picture, at most 32 x 32.
/// Black outside, rounded to even.
void cut(const RgbView& picture, const Affine& to_picture, int side, std::uint8_t* crop, Executor& executor);

/// The mean of 2 x 2 pixels, rounded to a byte as a picture of half the size would be, over 255.
void halved(const std::uint8_t* crop, int side, float* planes);

}  // namespace talkrt::image
