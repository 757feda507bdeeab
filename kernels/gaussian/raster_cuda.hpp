// SPDX-License-Identifier: Apache-2.0
//
// The rasterizer on an NVIDIA GPU: what rasterize.hpp draws, in two kernels and without a word back to the
// host. Every frame is whole: a tile with more splats than its bin holds is drawn by a slower way of its own.
//
//   project_bin   Gaussian -> pose, Record, TileRect; appended to the bins of the tiles that it can colour
//   sort_blend    one block of threads a tile: its bin sorted by (layer, depth, index), blended, written
//
// The order in a bin is the atomics' mood and does not matter after the sort, so pictures are bit-identical
// from run to run. grid.y is the view: several avatars, or several cameras, in the same two launches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gaussian/raster_frame.hpp"

struct CUstream_st;  // CUDA's stream; hosts without its headers read this one

namespace talkrt::gaussian {

inline constexpr int kMaxBinCapacity = 2048;  // what one block of threads sorts in its shared memory

/// What a frame found. Of the frame before, until this one is drawn.
struct CudaStats {
  std::uint32_t visible = 0;
  std::uint32_t invalid = 0;        // as RasterStats::invalid
  std::uint32_t intersections = 0;  // of splats and tiles
  std::uint32_t beyond_bins = 0;    // of these, how many found their bin full; drawn all the same
  std::uint32_t longest_list = 0;   // of a tile whose bin was full, else 0
};

/// The camera and the options, ready for the inner loops.
struct CudaCamera {
  float r[9], t[3], eye[3];
  float fx, fy, cx, cy, near, far;
  float u_low, u_high, v_low, v_high;  // where the Jacobian's x/z and y/z are clamped
  float dilation, radius_clip;
  float done_at;  // a pixel stops before transmittance falls to this
  int width, height, tiles_x, tiles_y;
  int layer;  // the only one that is drawn; -1: all
  bool layers_apart;
  bool antialias, inria;
};

/// Memory of the device, or page-locked memory of the host that the device can write. Any pointer may be
/// null.
struct CudaTarget {
  std::uint8_t* rgba8 = nullptr;  // as Target
  std::int64_t rgba8_stride = 0;
  float* rgba_float = nullptr;
  float* depth = nullptr;
  std::uint8_t* luma = nullptr;  // NV12: BT.709, limited range, chroma in the middle of its 2x2 pixels
  std::int64_t luma_stride = 0;
  std::uint8_t* chroma = nullptr;  // [(height + 1) / 2, (width + 1) / 2, 2] U, V
  std::int64_t chroma_stride = 0;
  bool cut_off = false;  // as Target

  // With layers apart, for what needs a pixel's neighbours before its background (CudaTrack): nothing else is
  // written then.
  float* light = nullptr;   // [height, width, 4] both layers' colour, transmittance of the one in front
  float* behind = nullptr;  // [height, width] alpha of the one behind
};

struct CudaScratch {
  Record* records = nullptr;            // [count]
  TileRect* rects = nullptr;            // [count] x1 < x0: nowhere
  std::uint64_t* bins = nullptr;        // [tiles, bin_capacity] layer 1 bit, depth bits 31, index 32
  std::uint32_t* bin_counts = nullptr;  // [tiles] 0 between frames
  CudaStats* counting = nullptr;        // 0 between frames
  CudaStats* stats = nullptr;
  std::size_t bytes = 0;
};

/// One avatar from one camera. Lies in device memory, and so does all that it points to.
struct alignas(16) CudaView {
  RigView rig;  // without a pose: `rig.rest` is drawn as it is
  Pose pose;
  CudaCamera camera;
  Background background;
  CudaTarget target;
  CudaScratch scratch;
  int bin_capacity = 0;
};

/// Which kernels recorded avatars may need in a draw (avatar_cuda.hpp), beside the views' two.
struct CudaAvatarLimits {
  std::size_t layers_rows = 0, attention_rows = 0;  // as move_rows_of() says, of the widest network; 0: none
  bool takes_in = false, composes = false, grows = false, lays_under = false;

  [[nodiscard]] constexpr bool any() const {
    return layers_rows + attention_rows > 0 || takes_in || composes || grows || lays_under;
  }
  /// Whether what is written down for this serves `wanted`.
  [[nodiscard]] constexpr bool covers(const CudaAvatarLimits& wanted) const {
    return layers_rows >= wanted.layers_rows && attention_rows >= wanted.attention_rows &&
           takes_in >= wanted.takes_in && composes >= wanted.composes && grows >= wanted.grows &&
           lays_under >= wanted.lays_under;
  }
  /// What both need.
  [[nodiscard]] constexpr CudaAvatarLimits with(const CudaAvatarLimits& other) const {
    return {layers_rows > other.layers_rows ? layers_rows : other.layers_rows,
            attention_rows > other.attention_rows ? attention_rows : other.attention_rows,
            takes_in || other.takes_in,
            composes || other.composes,
            grows || other.grows,
            lays_under || other.lays_under};
  }
};

struct CudaLimits {
  int count = 0;
  int width = 0, height = 0;
  int bin_capacity = 1024;     // at most kMaxBinCapacity
  int shapes = 0, joints = 0;  // of the rig that is posed, if there is one
  CudaAvatarLimits avatar = {};
};

/// Blocks of threads for each view of a draw: as many as the largest of its views needs.
struct CudaGrid {
  int groups = 0;  // of kProjectThreads Gaussians
  int tiles = 0;
};

inline constexpr int kProjectThreads = 128;  // a block of project_bin, one Gaussian each

constexpr int groups_of_threads(int count) { return (count + kProjectThreads - 1) / kProjectThreads; }

constexpr CudaGrid grid_of(const CudaLimits& limits) {
  return {groups_of_threads(limits.count), tiles_along(limits.width) * tiles_along(limits.height)};
}

/// Lays the scratch out from `base`, which is 256-byte aligned; with null only `bytes` is of use. Its first
/// use needs bin_counts and counting to be zero: zero all of it once.
CudaScratch lay_out_cuda_scratch(const CudaLimits& limits, std::byte* base);

/// Throws std::invalid_argument for a camera beyond what can be drawn.
CudaCamera prepare_cuda_camera(const Camera& camera, const RasterOptions& options);

/// The two launches for views[0] to views[view_count - 1], which all fit the grid. `overlap` on devices of
/// compute capability 9.0 and later. Returns the launches' error, 0 for success, as CUDA counts. Only where
/// the kernels are: in the CUDA module and in the emulation.
int rasterize_cuda(const CudaView* views, int view_count, const CudaGrid& grid, bool overlap,
                   CUstream_st* stream);

}  // namespace talkrt::gaussian
