// SPDX-License-Identifier: Apache-2.0
//
// What recorded avatars need of an NVIDIA GPU beside their views: all avatars of a draw in the same few
// launches, one of each kind, whatever their number.
//
//   before the   take_in            what the host wrote for a frame, read from its page-locked memory
//   views        move_layers, move_attention   (movement_cuda.hpp)
//                compose_backdrop   (track_cuda.hpp)
//   after them   grow_behind, lay_under        (the same)
//
// Grids are as large as the GPU, not as the work: a block of threads takes one share of it after the other,
// through all avatars. So a launch that was written down once, in a graph, serves any draw.
#pragma once

#include <cstddef>

#include "kernels/gaussian/movement_cuda.hpp"
#include "kernels/gaussian/track_cuda.hpp"

namespace talkrt::gaussian {

/// One avatar's frame. Pointers are to device memory; what lies there may be what is taken in.
struct CudaAvatar {
  const void* from = nullptr;  // page-locked memory of the host; it and `to` begin on 16 bytes
  void* to = nullptr;
  std::size_t bytes = 0;
  const CudaLayers* layers = nullptr;
  const CudaAttention* attention = nullptr;
  int layers_count = 0, attention_count = 0;
  const CudaTrack* track = nullptr;  // may be null where the next two are false
  bool composes = false, lays_under = false;
  int view = 0;  // of the draw, counted from 0
};

/// All avatars of a draw, which may have other views besides. No two may write the same memory.
struct CudaAvatars {
  const CudaAvatar* avatars = nullptr;
  int count = 0;
};

/// The launches before and after the views' two. `avatars` and `views` lie in device memory. They return
/// CUDA's error, 0 for success. Only where the kernels are: in the CUDA module and in the emulation.
int before_views_cuda(const CudaAvatars* avatars, const CudaAvatarLimits& limits, const CudaPlaces& places,
                      CUstream_st* stream);
int after_views_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaAvatarLimits& limits,
                     const CudaPlaces& places, CUstream_st* stream);

int take_in_cuda(const CudaAvatars* avatars, const CudaPlaces& places, CUstream_st* stream);

}  // namespace talkrt::gaussian
