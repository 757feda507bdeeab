// SPDX-License-Identifier: Apache-2.0
//
// How the kernels that move Gaussians are launched: 64 Gaussians a block of threads where its shared memory
// holds them, else 32. As many blocks as the GPU holds go through the networks of all avatars.
#pragma once

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/avatar_cuda.hpp"
#include "kernels/gaussian/dense_cuda.hpp"
#include "kernels/gaussian/shares_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr int kMoveResident =
    3;  // blocks of threads a multiprocessor, which leaves 168 registers a thread

template <int Quads>
constexpr std::size_t shared_bytes_of(std::size_t rows) {
  return sizeof(Staged) + rows * Dense<Quads>::kGaussians * sizeof(float);
}

/// The networks of one kind that an avatar has.
template <class Network>
struct Networks {
  const Network* first;
  int count;
};

/// This block's next group, the gridDim.x-th after its last; false: there is none. For one thread.
template <int Quads, class OfAvatar>
__device__ bool find_next(Turn& turn, const CudaAvatars& all, OfAvatar of_avatar) {
  for (; turn.avatar < all.count; ++turn.avatar, turn.network = 0) {
    const auto networks = of_avatar(all.avatars[turn.avatar]);
    for (; turn.network < networks.count; ++turn.network) {
      const auto& job = networks.first[turn.network];
      const int groups = (job.network.count + Dense<Quads>::kGaussians - 1) / Dense<Quads>::kGaussians;
      if (turn.next < groups) {
        turn.job = &job;
        turn.group = turn.next;
        turn.next += static_cast<int>(gridDim.x);
        return true;
      }
      turn.next -= groups;
    }
  }
  return false;
}

/// Runs move(job) for every group that is this block's, of the networks of_avatar(avatar) of all avatars.
/// Where it is lies in shared memory: registers are for sums.
template <int Quads, class Job, class OfAvatar, class Move>
__device__ void move_avatars(const CudaAvatars* all, OfAvatar of_avatar, Move move) {
  Turn& turn = talkrt::cuda::dynamic_shared<Staged>()->turn;
  if (threadIdx.x == 0) turn = {nullptr, 0, static_cast<int>(blockIdx.x), 0, 0};
  for (;;) {
    __syncthreads();  // nobody reads the values of the group before any more
    if (threadIdx.x == 0 && !find_next<Quads>(turn, *all, of_avatar)) turn.job = nullptr;
    __syncthreads();
    if (turn.job == nullptr) return;
    move(*static_cast<const Job*>(turn.job));
  }
}

inline int launch_moves(const CudaAvatars* avatars, std::size_t rows, const CudaPlaces& places,
                        CUstream_st* stream, void (*of_64)(const CudaAvatars*),
                        void (*of_32)(const CudaAvatars*)) {
  const bool fits = shared_bytes_of<2>(rows) <= places.shared_bytes;
  const auto kernel = fits ? of_64 : of_32;
  const std::size_t bytes = fits ? shared_bytes_of<2>(rows) : shared_bytes_of<1>(rows);
  // What the kernel may have is the same for all launches of it, and graphs for others are there.
  const auto error =
      talkrt::cuda::allow_shared_bytes(kernel, bytes > places.shared_bytes ? bytes : places.shared_bytes);
  if (error != cudaSuccess) return static_cast<int>(error);
  talkrt::cuda::Launch how{
      {static_cast<unsigned>(places.multiprocessors * kMoveResident), 1, 1}, {kMoveThreads, 1, 1}, stream};
  how.shared_bytes = bytes;
  return static_cast<int>(talkrt::cuda::launch(how, kernel, avatars));
}

}  // namespace talkrt::gaussian::cuda
