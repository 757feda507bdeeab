// SPDX-License-Identifier: Apache-2.0
//
// How a grid's blocks of threads share work whose amount its launch does not know.
#pragma once

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/movement_cuda.hpp"

namespace talkrt::gaussian::cuda {

/// Shares are numbered through everything that a kernel does; this block takes every gridDim.x-th.
class Shares {
 public:
  /// Runs run(share) for those of the next `count` that are this block's. All of its threads do the same.
  template <class Run>
  __device__ void of(int count, Run run) {
    for (; next_ < count; next_ += static_cast<int>(gridDim.x)) run(next_);
    next_ -= count;
  }

 private:
  int next_ = static_cast<int>(blockIdx.x);
};

inline constexpr int kShareThreads = 256;
inline constexpr int kShareResident = 6;  // blocks of so many: any multiprocessor holds 1536 threads

/// For kernels that do little with much memory: as many blocks as the GPU holds.
inline talkrt::cuda::Launch launch_of_shares(const CudaPlaces& places, CUstream_st* stream) {
  return {
      {static_cast<unsigned>(places.multiprocessors * kShareResident), 1, 1}, {kShareThreads, 1, 1}, stream};
}

}  // namespace talkrt::gaussian::cuda
