// SPDX-License-Identifier: Apache-2.0
//
// From a finished picture to what video encoders take.
#pragma once

#include <cstdint>

namespace talkrt::image {

/// Two planes of a picture, rows `stride` bytes apart: luma [height, width], and chroma
/// [(height + 1) / 2, (width + 1) / 2, 2] of U and V.
struct Nv12 {
  std::uint8_t* luma = nullptr;
  std::uint8_t* chroma = nullptr;
  std::int64_t stride = 0;
};

/// RGBA8, rows `stride` bytes apart; alpha means nothing here. BT.709 (ITU-R BT.709-6, section 3), limited
/// range; chroma is the mean of the 2 x 2 pixels it stands for, of those that the picture has at its edges.
void to_nv12(const std::uint8_t* rgba, std::int64_t stride, int width, int height, const Nv12& out);

}  // namespace talkrt::image
