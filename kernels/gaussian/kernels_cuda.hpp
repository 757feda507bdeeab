// SPDX-License-Identifier: Apache-2.0
//
// The two kernels and how they are launched: grid.y is the view.
#pragma once

#include <cuda_runtime.h>

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr int kBlendThreads = kTile * kTile;  // one pixel each, one tile a block

__global__ void project_bin(const CudaView* views);
__global__ void sort_blend(const CudaView* views);

}  // namespace talkrt::gaussian::cuda
