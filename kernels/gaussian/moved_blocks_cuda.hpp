// SPDX-License-Identifier: Apache-2.0
//
// The Gaussians of one block of threads: which they are, and their values between global and shared memory.
#pragma once

#include "kernels/gaussian/dense_cuda.hpp"
#include "kernels/gaussian/point_network.hpp"

namespace talkrt::gaussian::cuda {

/// `Count` Gaussians of a network, the group that is at work (Turn). Its last ones may be fewer.
template <int Count>
struct MovedBlocks {
  static constexpr int kBlocks = Count / kBlock;
  int count;  // of the network's Gaussians, those that are here

  [[nodiscard]] __device__ static int group() { return talkrt::cuda::dynamic_shared<Staged>()->turn.group; }

  template <class Network>
  __device__ static MovedBlocks of(const Network& net) {
    const int left = net.count - group() * Count;
    return {left < Count ? left : Count};
  }

  /// The first block, counted in the network.
  [[nodiscard]] __device__ static int own() { return group() * kBlocks; }
  [[nodiscard]] __device__ int blocks() const { return (count + kBlock - 1) / kBlock; }

  /// Shared rows `to` [rows, Count] = from [blocks of the network, rows, 16]; blocks that are not there
  /// repeat the last.
  __device__ void load(const float* from, int rows, int to) const {
    for (int i = static_cast<int>(threadIdx.x); i < rows * Count; i += kMoveThreads) {
      const int row = i / Count, gaussian = i % Count, block = gaussian / kBlock;
      shared_rows()[to + i] = __ldg(
          from + (std::ptrdiff_t{own() + (block < blocks() ? block : blocks() - 1)} * rows + row) * kBlock +
          gaussian % kBlock);
    }
  }

  /// Where element `row` of Gaussian `gaussian` lies in an array of blocks that begins with the network's
  /// first.
  [[nodiscard]] __device__ std::ptrdiff_t at(int gaussian, int row, int rows) const {
    return (std::ptrdiff_t{own() + gaussian / kBlock} * rows + row) * kBlock + gaussian % kBlock;
  }

  /// to = from + strength * shared rows `added` [rows, Count], both arrays as at() has them. After a barrier.
  __device__ void add(const float* from, int added, int rows, float strength, float* to) const {
    for (int i = static_cast<int>(threadIdx.x); i < rows * Count; i += kMoveThreads) {
      const int row = i / Count, gaussian = i % Count;
      if (gaussian >= count) continue;
      const std::ptrdiff_t where = at(gaussian, row, rows);
      to[where] = fmaf(strength, shared_rows()[added + i], from[where]);
    }
  }
};

}  // namespace talkrt::gaussian::cuda
