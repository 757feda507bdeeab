// SPDX-License-Identifier: Apache-2.0
//
// project_bin: a thread poses and projects one Gaussian, then appends it to the bins of its tiles.
//
// Blocks of 128 threads: 50,000 Gaussians are 391 blocks, three for each of an H200's 132 multiprocessors.
// A thread walks up to kOwnTiles tiles alone; the tiles of larger splats are shared out among the warp, or
// one close-up Gaussian would hold its 31 neighbours up. Bins are appended to by atomics, in any order: the
// next kernel sorts. A full bin keeps counting and takes nothing, so nothing is ever written beyond it.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/kernels_cuda.hpp"
#include "kernels/gaussian/project_cuda.hpp"

namespace talkrt::gaussian::cuda {
namespace {

constexpr int kOwnTiles = 8;
constexpr int kStagedShapes = 512;  // weights in shared memory, 2 KB
constexpr unsigned kWholeWarp = 0xffffffffu;

/// What this block of threads adds to the frame's counts.
struct Found {
  std::uint32_t visible, invalid, intersections, beyond, longest;
};

/// Everything of the view that is needed for each tile, in registers: a store could change what it points to.
class Emitter {
 public:
  __device__ explicit Emitter(const CudaView& view)
      : counts_(view.scratch.bin_counts),
        bins_(view.scratch.bins),
        capacity_(view.bin_capacity),
        across_(view.camera.tiles_x) {}

  Found found{};

  /// Appends the splat to the tiles it can colour, of at most 8.
  __device__ void append_few(const Reach& reach, std::uint64_t key, const Tiles& tiles) {
    const int columns = tiles.x1 - tiles.x0 + 1, area = columns * (tiles.y1 - tiles.y0 + 1);
    unsigned touched = 0;
    for (int i = 0, x = tiles.x0, y = tiles.y0; i < area; ++i) {
      if (touches(reach, x, y)) touched |= 1u << i;
      if (++x > tiles.x1) x = tiles.x0, ++y;
    }
    // An atomic is answered after hundreds of cycles: the next ones are sent meanwhile.
    while (touched != 0) {
      std::ptrdiff_t tile[kTogether];
      std::uint32_t slot[kTogether];
      for (int k = 0; k < kTogether; ++k) {
        tile[k] = -1;
        if (touched == 0) continue;
        const int i = __ffs(static_cast<int>(touched)) - 1;
        touched &= touched - 1;
        tile[k] = tile_at(tiles.x0 + i % columns, tiles.y0 + i / columns);
        slot[k] = atomicAdd(counts_ + tile[k], 1u);
      }
      for (int k = 0; k < kTogether; ++k) {
        if (tile[k] >= 0) put(tile[k], slot[k], key);
      }
    }
  }

  /// The same for tiles `first`, first + step, ... of the rectangle, row by row.
  __device__ void append_shared(const Reach& reach, std::uint64_t key, const Tiles& tiles, int first,
                                int step) {
    const int columns = tiles.x1 - tiles.x0 + 1, area = columns * (tiles.y1 - tiles.y0 + 1);
    for (int i = first; i < area; i += step) {
      const int x = tiles.x0 + i % columns, y = tiles.y0 + i / columns;
      if (!touches(reach, x, y)) continue;
      const std::ptrdiff_t tile = tile_at(x, y);
      put(tile, atomicAdd(counts_ + tile, 1u), key);
    }
  }

 private:
  static constexpr int kTogether = 4;

  /// Whether some pixel of the tile can be coloured.
  [[nodiscard]] __device__ static bool touches(const Reach& reach, int x, int y) {
    const float left = static_cast<float>(x * kTile) + 0.5f, top = static_cast<float>(y * kTile) + 0.5f;
    return reach.touches(left, top, left + (kTile - 1), top + (kTile - 1));
  }
  [[nodiscard]] __device__ std::ptrdiff_t tile_at(int x, int y) const { return y * across_ + x; }
  __device__ void put(std::ptrdiff_t tile, std::uint32_t slot, std::uint64_t key) {
    ++found.intersections;
    if (slot < static_cast<std::uint32_t>(capacity_)) {
      bins_[tile * capacity_ + slot] = key;
    } else {
      ++found.beyond;
      found.longest = slot + 1 > found.longest ? slot + 1 : found.longest;
    }
  }

  std::uint32_t* counts_;
  std::uint64_t* bins_;
  int capacity_, across_;
};

/// The view's pose where every thread of the block reads it.
struct SharedPose {
  float joints[kMaxJoints * 12];
  float weights[kStagedShapes];

  __device__ void load(const CudaView& view) {
    if (view.pose.joint_matrices == nullptr) return;
    const int thread = static_cast<int>(threadIdx.x);
    for (int j = thread; j < view.rig.joints * 12; j += kProjectThreads)
      joints[j] = view.pose.joint_matrices[j];
    if (view.rig.shapes > kStagedShapes) return;
    for (int i = thread; i < view.rig.shapes; i += kProjectThreads) weights[i] = view.pose.shape_weights[i];
  }
  /// The staged ones, unless the rig has more shapes than are staged.
  [[nodiscard]] __device__ Pose pose(const CudaView& view) const {
    return {view.rig.shapes > kStagedShapes ? view.pose.shape_weights : weights, joints};
  }
};

__device__ Projected project_one(const CudaView& view, const SharedPose& staged, int i) {
  const RigView& rig = view.rig;
  const std::ptrdiff_t block = i / kBlock;
  const int lane = i % kBlock, degree = rig.rest.sh_degree;
  const int bases = degree == kPlainColors ? 1 : (degree + 1) * (degree + 1);
  const bool posed = view.pose.joint_matrices != nullptr;
  const Posed g = posed ? pose(rig, staged.pose(view), block, lane) : at_rest(rig.rest, block, lane);
  return project(view.camera, g, rig.rest.sh + block * 3 * bases * kBlock + lane, degree);
}

/// Whether the Gaussian is in the layer that is drawn alone.
__device__ bool in_layer(const CudaView& view, int i) {
  const std::uint8_t* layers = view.rig.rest.layers;
  return view.camera.layer < 0 || (layers != nullptr && layers[i] != 0) == (view.camera.layer != 0);
}

__device__ std::uint64_t key_of(const Splats& splats, float z, int i) {
  const std::uint32_t layer = splats.layers != nullptr && splats.layers[i] != 0 ? 0x80000000u : 0;
  return std::uint64_t{__float_as_uint(z) | layer} << 32 | static_cast<std::uint32_t>(i);
}

}  // namespace

__global__ void __launch_bounds__(kProjectThreads) project_bin(const CudaView* views) {
  talkrt::cuda::let_next_grid_begin();
  __shared__ SharedView shared_view;
  const CudaView& view = shared_view.load(views[blockIdx.y]);
  const int count = view.rig.rest.count, thread = static_cast<int>(threadIdx.x);
  const int i = static_cast<int>(blockIdx.x) * kProjectThreads + thread;
  if (static_cast<int>(blockIdx.x) * kProjectThreads >= count)
    return;  // the whole block: another view has more

  __shared__ SharedPose staged;
  __shared__ Found found;
  if (thread == 0) found = {};
  staged.load(view);
  __syncthreads();

  Emitter emitter(view);
  Projected splat{};
  splat.tiles = {0, 0, -1, -1};
  if (i < count) {
    splat = project_one(view, staged, i);
    splat.visible = splat.visible && in_layer(view, i);
    const Tiles& t = splat.tiles;
    TileRect rect{1, 1, 0, 0};
    if (splat.visible) {
      rect = {static_cast<std::uint16_t>(t.x0), static_cast<std::uint16_t>(t.y0),
              static_cast<std::uint16_t>(t.x1), static_cast<std::uint16_t>(t.y1)};
      view.scratch.records[i] = splat.record;
    }
    view.scratch.rects[i] = rect;
    emitter.found.visible = splat.visible ? 1 : 0;
    emitter.found.invalid = splat.invalid ? 1 : 0;
  }
  const Tiles& tiles = splat.tiles;
  const int area = (tiles.x1 - tiles.x0 + 1) * (tiles.y1 - tiles.y0 + 1);
  const bool large = splat.visible && area > kOwnTiles;
  const Reach reach = Reach::of(splat.record);
  if (splat.visible && !large) {
    emitter.append_few(reach, key_of(view.rig.rest, splat.record.z, i), tiles);
  }
  __syncwarp();
  for (unsigned left = __ballot_sync(kWholeWarp, large ? 1 : 0); left != 0; left &= left - 1) {
    const int from = __ffs(static_cast<int>(left)) - 1, index = i - thread % 32 + from;
    // Its lane wrote both before the barrier of the warp.
    const Record& record = view.scratch.records[index];
    const TileRect& rect = view.scratch.rects[index];
    emitter.append_shared(Reach::of(record), key_of(view.rig.rest, record.z, index),
                          {rect.x0, rect.y0, rect.x1, rect.y1}, thread % 32, 32);
  }

  const Found& mine = emitter.found;
  if (mine.visible != 0) atomicAdd(&found.visible, mine.visible);
  if (mine.invalid != 0) atomicAdd(&found.invalid, mine.invalid);
  if (mine.intersections != 0) atomicAdd(&found.intersections, mine.intersections);
  if (mine.beyond != 0) {
    atomicAdd(&found.beyond, mine.beyond);
    atomicMax(&found.longest, mine.longest);
  }
  __syncthreads();
  if (thread != 0) return;
  CudaStats& all = *view.scratch.counting;
  atomicAdd(&all.visible, found.visible);
  atomicAdd(&all.intersections, found.intersections);
  if (found.invalid != 0) atomicAdd(&all.invalid, found.invalid);
  if (found.beyond != 0) {
    atomicAdd(&all.beyond_bins, found.beyond);
    atomicMax(&all.longest_list, found.longest);
  }
}

}  // namespace talkrt::gaussian::cuda
