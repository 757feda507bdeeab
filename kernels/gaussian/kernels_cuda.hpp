// SPDX-License-Identifier: Apache-2.0
//
// The two kernels and how they are launched: grid.y is the view.
#pragma once

#include <cuda_runtime.h>

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr int kBlendThreads = kTile * kTile;  // one pixel each, one tile a block

/// A view's parameters in shared memory: the block waits for device memory once, not for every part it needs.
class SharedView {
 public:
  /// All threads of the block call it; ends with a barrier of theirs.
  __device__ const CudaView& load(const CudaView& from) {
    const auto* parts = reinterpret_cast<const float4*>(&from);
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < kParts) reinterpret_cast<float4*>(bytes_)[thread] = parts[thread];
    __syncthreads();
    return *reinterpret_cast<const CudaView*>(bytes_);
  }

 private:
  static constexpr int kParts = sizeof(CudaView) / sizeof(float4);
  static_assert(sizeof(CudaView) % sizeof(float4) == 0 && kParts <= kProjectThreads);
  alignas(float4) unsigned char bytes_[sizeof(CudaView)];
};

__global__ void project_bin(const CudaView* views);
__global__ void sort_blend(const CudaView* views);

}  // namespace talkrt::gaussian::cuda
