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
constexpr unsigned kWholeWarp = 0xffffffffu;

/// What this block of threads adds to the frame's counts.
struct Found {
  std::uint32_t visible, invalid, intersections, beyond, longest;
};

struct Emitter {
  const CudaView& view;
  Found found{};

  /// Appends when some pixel of the tile can be coloured.
  __device__ void append(const Reach& reach, std::uint64_t key, int x, int y) {
    const float left = static_cast<float>(x * kTile) + 0.5f, top = static_cast<float>(y * kTile) + 0.5f;
    if (!reach.touches(left, top, left + (kTile - 1), top + (kTile - 1))) return;
    const std::ptrdiff_t tile = y * view.camera.tiles_x + x;
    const std::uint32_t slot = atomicAdd(view.scratch.bin_counts + tile, 1u);
    ++found.intersections;
    if (slot < static_cast<std::uint32_t>(view.bin_capacity)) {
      view.scratch.bins[tile * view.bin_capacity + slot] = key;
    } else {
      ++found.beyond;
      found.longest = slot + 1 > found.longest ? slot + 1 : found.longest;
    }
  }

  /// Tiles `first`, first + step, ... of the rectangle, row by row.
  __device__ void append_all(const Reach& reach, std::uint64_t key, const Tiles& tiles, int first, int step) {
    const int columns = tiles.x1 - tiles.x0 + 1, area = columns * (tiles.y1 - tiles.y0 + 1);
    for (int i = first; i < area; i += step)
      append(reach, key, tiles.x0 + i % columns, tiles.y0 + i / columns);
  }
};

__device__ Projected project_one(const CudaView& view, const float* joints, int i) {
  const RigView& rig = view.rig;
  const std::ptrdiff_t block = i / kBlock;
  const int lane = i % kBlock, degree = rig.rest.sh_degree;
  const int bases = degree == kPlainColors ? 1 : (degree + 1) * (degree + 1);
  const bool posed = view.pose.joint_matrices != nullptr;
  const Posed g = posed ? pose(rig, view.pose, joints, block, lane) : at_rest(rig.rest, block, lane);
  return project(view.camera, g, rig.rest.sh + block * 3 * bases * kBlock + lane, degree);
}

__device__ std::uint64_t key_of(const Splats& splats, float z, int i) {
  const std::uint32_t layer = splats.layers != nullptr && splats.layers[i] != 0 ? 0x80000000u : 0;
  return std::uint64_t{__float_as_uint(z) | layer} << 32 | static_cast<std::uint32_t>(i);
}

}  // namespace

__global__ void __launch_bounds__(kProjectThreads) project_bin(const CudaView* views) {
  const CudaView& view = views[blockIdx.y];
  const int count = view.rig.rest.count, thread = static_cast<int>(threadIdx.x);
  const int i = static_cast<int>(blockIdx.x) * kProjectThreads + thread;
  if (static_cast<int>(blockIdx.x) * kProjectThreads >= count)
    return;  // the whole block: another view has more

  __shared__ float joints[kMaxJoints * 12];
  __shared__ Found found;
  if (thread == 0) found = {};
  if (view.pose.joint_matrices != nullptr) {
    for (int j = thread; j < view.rig.joints * 12; j += kProjectThreads)
      joints[j] = view.pose.joint_matrices[j];
  }
  __syncthreads();

  Emitter emitter{view};
  Projected splat{};
  splat.tiles = {0, 0, -1, -1};
  if (i < count) {
    splat = project_one(view, joints, i);
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
    emitter.append_all(reach, key_of(view.rig.rest, splat.record.z, i), tiles, 0, 1);
  }
  __syncwarp();
  for (unsigned left = __ballot_sync(kWholeWarp, large ? 1 : 0); left != 0; left &= left - 1) {
    const int from = __ffs(static_cast<int>(left)) - 1, index = i - thread % 32 + from;
    // Its lane wrote both before the barrier of the warp.
    const Record& record = view.scratch.records[index];
    const TileRect& rect = view.scratch.rects[index];
    emitter.append_all(Reach::of(record), key_of(view.rig.rest, record.z, index),
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
