// SPDX-License-Identifier: Apache-2.0
//
// How the kernels that move Gaussians are launched: 64 Gaussians a block of threads where its shared memory
// holds them, else 32.
#pragma once

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/dense_cuda.hpp"
#include "kernels/gaussian/movement_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr int kMoveResident =
    3;  // blocks of threads a multiprocessor, which leaves 168 registers a thread

template <int Quads>
constexpr std::size_t shared_bytes_of(std::size_t rows) {
  return sizeof(Staged) + rows * Dense<Quads>::kGaussians * sizeof(float);
}

template <class Network>
int launch_moves(const Network* networks, int count, const CudaMoveGrid& grid, std::size_t shared_bytes,
                 CUstream_st* stream, void (*of_64)(const Network*), void (*of_32)(const Network*)) {
  if (count < 1 || grid.blocks < 1) return 0;
  const bool fits = shared_bytes_of<2>(grid.rows) <= shared_bytes;
  const auto kernel = fits ? of_64 : of_32;
  const std::size_t bytes = fits ? shared_bytes_of<2>(grid.rows) : shared_bytes_of<1>(grid.rows);
  const int together = (fits ? Dense<2>::kGaussians : Dense<1>::kGaussians) / kBlock;
  const auto error = talkrt::cuda::allow_shared_bytes(kernel, bytes);
  if (error != cudaSuccess) return static_cast<int>(error);
  talkrt::cuda::Launch how{
      {static_cast<unsigned>((grid.blocks + together - 1) / together), static_cast<unsigned>(count), 1},
      {kMoveThreads, 1, 1},
      stream};
  how.shared_bytes = bytes;
  return static_cast<int>(talkrt::cuda::launch(how, kernel, networks));
}

}  // namespace talkrt::gaussian::cuda
