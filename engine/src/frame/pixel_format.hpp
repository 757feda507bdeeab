// SPDX-License-Identifier: Apache-2.0
//
// What a frame's memory holds, and how much of it a picture takes.
#pragma once

#include <talkrt/talkrt.h>

#include <cstddef>
#include <cstdint>

namespace talkrt::frame {

struct PixelLayout {
  int width = 0, height = 0;  // pixels
  talkrt_pixel_format format = TALKRT_PIXELS_RGBA8;

  /// Bytes from one row to the next: rows begin on a cache line, but for floats, which are packed.
  [[nodiscard]] std::int64_t stride() const noexcept {
    constexpr std::int64_t kAlign = 64;
    if (format == TALKRT_PIXELS_RGBA_F32) return std::int64_t{16} * width;
    const std::int64_t bytes = format == TALKRT_PIXELS_NV12 ? width + width % 2 : std::int64_t{4} * width;
    return (bytes + kAlign - 1) / kAlign * kAlign;
  }
  /// Of all planes: NV12's chroma follows its luma.
  [[nodiscard]] std::int64_t rows() const noexcept {
    return format == TALKRT_PIXELS_NV12 ? height + (height + 1) / 2 : height;
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(stride()) * static_cast<std::size_t>(rows());
  }
};

}  // namespace talkrt::frame
