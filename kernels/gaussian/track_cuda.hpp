// SPDX-License-Identifier: Apache-2.0
//
// What stands behind a recorded avatar, on an NVIDIA GPU: in each frame another torso, over a background that
// stays; and pictures that are finished when both layers are there.
//
//   compose_backdrop   torso over background at the recording's size, stretched to the frame's; before the
//   drawing grow_behind        where layer 1's alpha is to be grown: CudaTarget::light and `behind` to pixels
//   lay_under          torso under what was drawn on nothing
//
// Numbers are those of the CPU (engine/src/render/track_backdrop.hpp, grown_alpha.hpp), in the same order of
// operations.
#pragma once

#include <cstdint>

#include "kernels/gaussian/movement_cuda.hpp"
#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian {

inline constexpr int kGrowReach = 6;  // pixels in each direction, so 13 in all

/// One frame of a track. Lies in device memory, and so does all that it points to.
struct CudaTrack {
  const std::uint8_t* background = nullptr;  // RGB8 [height, width, 3]; null: the frame is drawn on nothing
  const std::uint8_t* torso = nullptr;       // RGBA8 [rows, columns, 4], not premultiplied; or null
  int width = 0, height = 0;                 // of the recording
  int top = 0, left = 0, rows = 0, columns = 0;  // of the torso in it
  int frame_width = 0, frame_height = 0;
  float step = 1;                 // pixels of the recording from one of the frame to the next
  bool under_floats = false;      // lay_under goes under floats, too
  std::uint8_t* image = nullptr;  // [frame_height, frame_width, 3] composed, cut off to bytes; or
  float* picture = nullptr;       // the same, not cut off
};

struct CudaAvatars;  // avatar_cuda.hpp

/// Of the avatars that compose. Returns CUDA's error, 0 for success. As all of these only where the kernels
/// are.
int compose_backdrop_cuda(const CudaAvatars* avatars, const CudaPlaces& places, CUstream_st* stream);

/// After the views were drawn: of the avatars with CudaTarget::light.
int grow_behind_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaPlaces& places,
                     CUstream_st* stream);

/// After the views were drawn, to their RGBA8 and, by CudaTrack::under_floats, their floats: of the avatars
/// that lay a torso under them.
int lay_under_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaPlaces& places,
                   CUstream_st* stream);

}  // namespace talkrt::gaussian
