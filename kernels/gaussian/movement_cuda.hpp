// SPDX-License-Identifier: Apache-2.0
//
// Networks that move Gaussians, on an NVIDIA GPU: what movement.hpp says, one kernel for each kind, before
// project_bin, which reads the moved arrays as a head at rest. Same order of multiply-adds as on the CPU, so
// Gaussians come out where the CPU puts them.
#pragma once

#include <cstddef>

#include "kernels/gaussian/movement.hpp"

struct CUstream_st;

namespace talkrt::gaussian {

/// One network at work. Lies in device memory, and so does all that it points to. Of `out` only the
/// network's own Gaussians are written, where it moves them: everything else is there once, at rest.
struct CudaLayers {
  Splats rest;
  PointNetwork network;  // of no Gaussians: nothing to do
  NetworkInput input;
  PosedSplats out;
};
struct CudaAttention {
  Splats rest;
  AttentionNetwork network;
  AttentionInput input;
  PosedSplats out;
};

/// Rows of shared memory for what is narrow in an attention network, and what a Gaussian keeps for itself.
inline constexpr int kNarrowRows = 48, kKeptRows = 4;
static_assert(kNarrowRows > kMaxAttended);

/// Rows of shared memory that a network needs, a float a Gaussian each.
std::size_t move_rows_of(const PointNetwork& network);
std::size_t move_rows_of(const AttentionNetwork& network);

/// Every network that is allowed fits a block of this many bytes, which each GPU of compute capability 8.0
/// and later has; with more, more Gaussians share what is fetched of the weights.
inline constexpr std::size_t kLeastSharedBytes = std::size_t{99} * 1024;

/// What the device offers.
struct CudaPlaces {
  int multiprocessors = 1;
  std::size_t shared_bytes = kLeastSharedBytes;  // a block of threads
};

struct CudaAvatars;  // avatar_cuda.hpp

/// One launch for the networks of all avatars, the widest of `rows` rows. Returns CUDA's error, 0 for
/// success. Only where the kernels are: in the CUDA module and in the emulation.
int move_layers_cuda(const CudaAvatars* avatars, std::size_t rows, const CudaPlaces& places,
                     CUstream_st* stream);
int move_attention_cuda(const CudaAvatars* avatars, std::size_t rows, const CudaPlaces& places,
                        CUstream_st* stream);

}  // namespace talkrt::gaussian
