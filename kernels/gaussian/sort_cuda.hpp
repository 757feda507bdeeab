// SPDX-License-Identifier: Apache-2.0
//
// A bitonic sort of keys in shared memory by the threads of one block, any number of keys.
//
// A warp sorts 64 keys in registers, two a lane, by shuffles. Runs of 64 become runs of 128 and so on:
// exchanges 64 and more apart go through shared memory and wait for the block, the rest is again a warp's
// own. Every merge begins by mirroring its second half, so all exchanges put the smaller key first: what lies
// behind the last key would be larger than all and need not be there.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace talkrt::gaussian::cuda {

inline constexpr std::uint64_t kNoKey = ~std::uint64_t{0};  // behind every Gaussian

/// The 64 keys from `first` on: lane l has the l-th and the 32 + l-th.
class WarpKeys {
 public:
  __device__ WarpKeys(const std::uint64_t* keys, int first, int count)
      : lane_(static_cast<int>(threadIdx.x) % 32), at_(first + lane_), count_(count) {
    low_ = at_ < count ? keys[at_] : kNoKey;
    high_ = at_ + 32 < count ? keys[at_ + 32] : kNoKey;
  }
  __device__ void store(std::uint64_t* keys) const {
    if (at_ < count_) keys[at_] = low_;
    if (at_ + 32 < count_) keys[at_ + 32] = high_;
  }

  __device__ void sort() {
    for (int half = 1; half <= 16; half *= 2) {
      exchange(2 * half - 1, half);
      settle(half / 2);
    }
    const std::uint64_t low = __shfl_xor_sync(kAll, low_, 31), high = __shfl_xor_sync(kAll, high_, 31);
    low_ = low_ < high ? low_ : high;
    high_ = high_ < low ? low : high_;
    settle(16);
  }
  /// Sorts what exchanges 64 and more apart have left.
  __device__ void merge() {
    const std::uint64_t low = low_;
    low_ = low < high_ ? low : high_;
    high_ = low < high_ ? high_ : low;
    settle(16);
  }

 private:
  static constexpr unsigned kAll = 0xffffffffu;

  __device__ void settle(int apart) {
    for (; apart > 0; apart /= 2) exchange(apart, apart);
  }
  /// With the lane whose number differs in the bits `lanes`; without `bit`, this one keeps the smaller.
  __device__ void exchange(int lanes, int bit) {
    const bool smaller = (lane_ & bit) == 0;
    keep(low_, __shfl_xor_sync(kAll, low_, lanes), smaller);
    keep(high_, __shfl_xor_sync(kAll, high_, lanes), smaller);
  }
  __device__ static void keep(std::uint64_t& mine, std::uint64_t theirs, bool smaller) {
    mine = (mine < theirs) == smaller ? mine : theirs;
  }

  int lane_, at_, count_;
  std::uint64_t low_, high_;
};

/// All of the block's `Threads` threads call it; it begins and ends with a barrier of theirs.
template <int Threads>
__device__ inline void sort_keys(std::uint64_t* keys, int count) {
  const int thread = static_cast<int>(threadIdx.x), mine = thread / 32 * 64;
  __syncthreads();
  for (int first = mine; first < count; first += 2 * Threads) {
    WarpKeys chunk(keys, first, count);
    chunk.sort();
    chunk.store(keys);
  }
  for (int half = 64; half < count; half *= 2) {
    for (int apart = half; apart >= 64; apart /= 2) {
      __syncthreads();
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
    __syncthreads();
    for (int first = mine; first < count; first += 2 * Threads) {
      WarpKeys chunk(keys, first, count);
      chunk.merge();
      chunk.store(keys);
    }
  }
  __syncthreads();
}

}  // namespace talkrt::gaussian::cuda
