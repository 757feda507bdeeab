// SPDX-License-Identifier: Apache-2.0
//
// A bitonic sort of up to kMaxBinCapacity keys in shared memory by the threads of one block.
//
// Exchanges up to 32 apart stay within the 64 keys that one warp owns, so they need the warp's barrier alone:
// of the 45 steps for 512 keys, 6 wait for the whole block.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace talkrt::gaussian::cuda {

inline constexpr std::uint64_t kNoKey = ~std::uint64_t{0};  // behind every Gaussian

/// Sorts keys[0] to keys[count - 1]; what follows them up to the next power of two is overwritten. All of the
/// block's `Threads` threads call it, and it begins and ends with a barrier of theirs.
template <int Threads>
__device__ inline void sort_keys(std::uint64_t* keys, int count) {
  const int thread = static_cast<int>(threadIdx.x);
  int size = 2;
  while (size < count) size *= 2;
  for (int i = count + thread; i < size; i += Threads) keys[i] = kNoKey;
  int before = size;
  for (int run = 2; run <= size; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      if (apart > 32 || before > 32) {
        __syncthreads();
      } else {
        __syncwarp();
      }
      before = apart;
      for (int pair = thread; pair < size / 2; pair += Threads) {
        const int i = 2 * pair - (pair & (apart - 1));
        const std::uint64_t a = keys[i], b = keys[i + apart];
        if ((a > b) == ((i & run) == 0)) {
          keys[i] = b;
          keys[i + apart] = a;
        }
      }
    }
  }
  __syncthreads();
}

}  // namespace talkrt::gaussian::cuda
