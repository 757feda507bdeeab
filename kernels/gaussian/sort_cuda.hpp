// SPDX-License-Identifier: Apache-2.0
//
// A bitonic sort of keys in shared memory by the threads of one block, any number of keys.
//
// Every run begins with exchanges that mirror its second half, so all exchanges put the smaller key first:
// what lies behind the last key would be larger than all and need not be there. Exchanges of keys up to 32
// apart stay within the 64 keys that one warp owns, so they need the warp's barrier alone: of the 45 steps
// for 512 keys, 6 wait for the whole block.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace talkrt::gaussian::cuda {

/// All of the block's `Threads` threads call it; it begins and ends with a barrier of theirs.
template <int Threads>
__device__ inline void sort_keys(std::uint64_t* keys, int count) {
  const int thread = static_cast<int>(threadIdx.x);
  int before = 64;
  for (int half = 1; half < count; half *= 2) {
    for (int apart = half; apart > 0; apart /= 2) {
      if (apart > 32 || before > 32) {
        __syncthreads();
      } else {
        __syncwarp();
      }
      before = apart;
      for (int pair = thread;; pair += Threads) {
        const int within = pair & (apart - 1), i = 2 * pair - within;
        if (i >= count) break;
        const int j = apart == half ? i + 2 * (apart - within) - 1 : i + apart;
        if (j >= count) continue;
        const std::uint64_t a = keys[i], b = keys[j];
        if (a > b) {
          keys[i] = b;
          keys[j] = a;
        }
      }
    }
  }
  __syncthreads();
}

}  // namespace talkrt::gaussian::cuda
