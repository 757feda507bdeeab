// SPDX-License-Identifier: Apache-2.0
//
// The last stage of portraits on an NVIDIA GPU: to_bytes, then paste or resized, then to_nv12 where that is
// wanted, in one kernel and in their arithmetic: the bytes are those of the CPU.
//
// A thread makes 2 x 2 pixels. Cost of a pixel inside the square: 12 reads of the picture, 4 of the mask,
// some 60 flops in double; of one outside, 4 B in and out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/image/affine.hpp"

struct CUstream_st;  // CUDA's stream; hosts without its headers read this one

namespace talkrt::image {

/// A network's picture and where it goes. All pointers are to device memory; targets may be page-locked.
struct CudaPortrait {
  const float* planes = nullptr;  // [3, side, side] in [0, 1]
  int side = 0;
  const std::uint8_t* background =
      nullptr;                   // RGBA8 [height, width, 4], packed; null: the picture alone, resized
  const double* mask = nullptr;  // [side, side]: the share of the picture, with a background
  Affine to_picture;             // from the background's coordinates
  int width = 0, height = 0;

  // Any of them, rows `stride` bytes apart.
  std::uint8_t* rgba8 = nullptr;
  std::uint8_t* luma = nullptr;    // NV12, as to_nv12 has it
  std::uint8_t* chroma = nullptr;  // with luma
  float* rgba_float = nullptr;     // [height, width, 4], packed: the bytes over 255
  std::int64_t stride = 0;
};

/// Returns CUDA's error, 0 for success. Only where the kernels are.
int compose_portrait_cuda(const CudaPortrait& portrait, CUstream_st* stream);

}  // namespace talkrt::image
