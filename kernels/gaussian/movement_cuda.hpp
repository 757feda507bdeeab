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

/// Blocks of threads for each network of a launch, and their memory: as the largest needs them.
struct CudaMoveGrid {
  int blocks = 0;        // of sixteen Gaussians
  std::size_t rows = 0;  // of shared memory, a float a Gaussian each

  /// What both need.
  [[nodiscard]] CudaMoveGrid with(const CudaMoveGrid& other) const {
    return {blocks > other.blocks ? blocks : other.blocks, rows > other.rows ? rows : other.rows};
  }
};
CudaMoveGrid move_grid_of(const PointNetwork& network);
CudaMoveGrid move_grid_of(const AttentionNetwork& network);

/// Every network that is allowed fits a block of this many bytes, which each GPU of compute capability 8.0
/// and later has; with more, more Gaussians share what is fetched of the weights.
inline constexpr std::size_t kLeastSharedBytes = std::size_t{99} * 1024;

/// One launch for networks[0] to networks[count - 1]; `shared_bytes` is what the device offers a block.
/// Returns CUDA's error, 0 for success. Only where the kernels are: in the CUDA module and in the emulation.
int move_layers_cuda(const CudaLayers* networks, int count, const CudaMoveGrid& grid,
                     std::size_t shared_bytes, CUstream_st* stream);
int move_attention_cuda(const CudaAttention* networks, int count, const CudaMoveGrid& grid,
                        std::size_t shared_bytes, CUstream_st* stream);

}  // namespace talkrt::gaussian
