// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/gaussian/raster_frame.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// Copies `count` neighbouring tiles of one row of tiles from the kept picture to where it is shown.
inline void copy_tiles(const RasterFrame& frame, const Target& shown, int first, int count) {
  const int x = first % frame.tiles_x * kTile, y = first / frame.tiles_x * kTile;
  const int width = x + count * kTile < frame.camera.width ? count * kTile : frame.camera.width - x;
  const int bottom = y + kTile < frame.camera.height ? y + kTile : frame.camera.height;
  const auto bytes = static_cast<std::size_t>(width) * 4;
  for (std::int64_t row = y; row < bottom; ++row) {
    __builtin_memcpy(shown.rgba8 + row * shown.rgba8_stride + x * 4,
                     frame.scratch.picture + row * frame.scratch.picture_stride + x * 4, bytes);
  }
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
