// SPDX-License-Identifier: Apache-2.0
//
// Where a frame's picture goes.
#pragma once

#include <cstdint>

#include "engine/src/device/cuda_device.hpp"
#include "engine/src/frame/pixel_format.hpp"

namespace talkrt::frame {

/// The same picture where a GPU draws: first in its memory, then, unless `pinned` is null, in the host's.
struct CudaPicture {
  std::uint8_t* device = nullptr;  // as `layout` says
  std::uint8_t* pinned = nullptr;  // the same
  PixelLayout layout;
  const device::CudaTicket* done = nullptr;  // when both are there
};

/// RGBA8, [height, width, 4], rows `stride` bytes apart.
struct PixelTarget {
  std::uint8_t* pixels = nullptr;  // null where a GPU draws
  std::int64_t stride = 0;
  CudaPicture gpu = {};
};

}  // namespace talkrt::frame
