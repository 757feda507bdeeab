// SPDX-License-Identifier: Apache-2.0
//
// sort_blend: a block of 256 threads draws one tile of 16x16 pixels.
//
//   1. The tile's bin into shared memory, sorted by (layer, depth, index).
//   2. kBatch records at a time into shared memory, in order.
//   3. Each of the 8 warps owns 8x4 pixels. Its lanes test 32 records against that rectangle at once; those
//      that reach it are blended one after the other, a pixel a lane, with the exact stop rule. A warp whose
//      pixels are done tests nothing more, and when all are done the tile ends.
//   4. Pixels out. Thread 0 has set the bin's count back to 0 for the next frame.
//
// A tile whose bin was full looks for its splats among all: it walks the rectangles of all Gaussians, keeps
// the nearest kRound, blends them, and goes on behind them until none are left or its pixels are done. Slow,
// exact, and in need of nobody: no host reads a flag between the kernels.
//
// Shared memory is 22.5 KB and registers are held to 48 a thread, so five blocks fit a multiprocessor: an
// H200 has 660 places, and a head covers some 500 of the 1024 tiles of 512x512.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/extent_cuda.hpp"
#include "kernels/gaussian/kernels_cuda.hpp"
#include "kernels/gaussian/resolve_cuda.hpp"
#include "kernels/gaussian/sort_cuda.hpp"

namespace talkrt::gaussian::cuda {
namespace {

constexpr int kBatch = 128;
constexpr int kRound = kMaxBinCapacity / 2;
constexpr unsigned kWholeWarp = 0xffffffffu;
static_assert(sizeof(Record) == 3 * sizeof(float4));

struct Shared {
  std::uint64_t keys[kMaxBinCapacity];
  float4 records[kBatch * 3];
  int held;
};

/// A thread's pixel and its warp's rectangle.
class Painter {
 public:
  __device__ Painter(const CudaView& view, int tile) : view_(view) {
    const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
    left_ = tile % view.camera.tiles_x * kTile + warp % 2 * 8;
    top_ = tile / view.camera.tiles_x * kTile + warp / 2 * 4;
    x_ = left_ + lane % 8;
    y_ = top_ + lane / 8;
    done_ = x_ >= view.camera.width || y_ >= view.camera.height;
  }

  /// Blends the Gaussians of sorted keys, whose low halves are indices. True: all pixels of the tile are
  /// done.
  __device__ bool blend(Shared& shared, int count) {
    for (int first = 0; first < count; first += kBatch) {
      if (__syncthreads_and(done_ ? 1 : 0) != 0) return true;  // also: the batch before was used
      const int batch = count - first < kBatch ? count - first : kBatch;
      fetch(shared, first, batch);
      __syncthreads();
      blend_batch(shared.records, batch);
    }
    return __syncthreads_and(done_ ? 1 : 0) != 0;
  }

  __device__ void write() const { write_pixel(view_, pixel_, x_, y_); }

 private:
  __device__ void fetch(Shared& shared, int first, int batch) const {
    const auto* from = reinterpret_cast<const float4*>(view_.scratch.records);
    for (int i = static_cast<int>(threadIdx.x); i < batch * 3; i += kBlendThreads) {
      const auto index = static_cast<std::uint32_t>(shared.keys[first + i / 3]);
      shared.records[i] = from[std::ptrdiff_t{index} * 3 + i % 3];
    }
  }

  __device__ void blend_batch(const float4* records, int batch) {
    const float left = static_cast<float>(left_) + 0.5f, top = static_cast<float>(top_) + 0.5f;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int group = 0; group < batch; group += 32) {
      if (__ballot_sync(kWholeWarp, done_ ? 0 : 1) == 0) return;
      const int mine = group + lane;
      const bool touched = mine < batch && Reach::of(*reinterpret_cast<const Record*>(records + mine * 3))
                                               .touches(left, top, left + 7, top + 3);
      for (unsigned wanted = __ballot_sync(kWholeWarp, touched ? 1 : 0); wanted != 0; wanted &= wanted - 1) {
        add(records + (group + __ffs(static_cast<int>(wanted)) - 1) * 3);
      }
    }
  }

  __device__ void add(const float4* record) {
    const float4 a = record[0];                                     // x, y, p, r
    const float2 b = *reinterpret_cast<const float2*>(record + 1);  // s, log2 opacity
    const float dx = static_cast<float>(x_) + 0.5f - a.x, dy = static_cast<float>(y_) + 0.5f - a.y;
    const float u = fmaf(a.z, dx, a.w * dy), v = b.x * dy;
    const float alpha = fminf(kMaxAlpha, talkrt::cuda::exp2_fast(fmaf(-u, u, fmaf(-v, v, b.y))));
    if (done_ || alpha < kMinAlpha) return;
    const float after = fmaf(-alpha, pixel_.transmittance, pixel_.transmittance);
    if (after <= view_.camera.done_at) {  // without this splat
      done_ = true;
      return;
    }
    const float4 c = record[2];  // colour, depth
    const float weight = alpha * pixel_.transmittance;
    pixel_.red = fmaf(weight, c.x, pixel_.red);
    pixel_.green = fmaf(weight, c.y, pixel_.green);
    pixel_.blue = fmaf(weight, c.z, pixel_.blue);
    pixel_.depth = fmaf(weight, c.w, pixel_.depth);
    pixel_.transmittance = after;
  }

  const CudaView& view_;
  int left_, top_, x_, y_;
  bool done_;
  Pixel pixel_;
};

/// Of the Gaussians whose rectangles include the tile, the kRound nearest behind `after`, sorted in
/// shared.keys; returns how many. `unlimited`: there is no `after` yet.
__device__ int nearest_behind(const CudaView& view, int tile, std::uint64_t after, bool unlimited,
                              Shared& shared) {
  const int thread = static_cast<int>(threadIdx.x), count = view.rig.rest.count;
  const int x = tile % view.camera.tiles_x, y = tile / view.camera.tiles_x;
  std::uint64_t limit = kNoKey;
  __syncthreads();
  if (thread == 0) shared.held = 0;
  for (int first = 0; first < count; first += kBlendThreads) {
    __syncthreads();
    const int held = shared.held;
    __syncthreads();
    if (held > kMaxBinCapacity - kBlendThreads) {  // the next 256 may not fit: forget the farthest
      sort_keys<kBlendThreads>(shared.keys, held);
      limit = shared.keys[kRound - 1];
      if (thread == 0) shared.held = kRound;
      __syncthreads();
    }
    const int i = first + thread;
    if (i >= count) continue;
    const TileRect rect = view.scratch.rects[i];
    if (x < rect.x0 || x > rect.x1 || y < rect.y0 || y > rect.y1) continue;
    const std::uint32_t layer =
        view.rig.rest.layers != nullptr && view.rig.rest.layers[i] != 0 ? 0x80000000u : 0;
    const std::uint64_t key = std::uint64_t{__float_as_uint(view.scratch.records[i].z) | layer} << 32 |
                              static_cast<std::uint32_t>(i);
    if ((unlimited || key > after) && key < limit) shared.keys[atomicAdd(&shared.held, 1)] = key;
  }
  __syncthreads();
  const int held = shared.held;
  sort_keys<kBlendThreads>(shared.keys, held);
  return held < kRound ? held : kRound;
}

__device__ void blend_all(const CudaView& view, int tile, Painter& painter, Shared& shared) {
  std::uint64_t after = 0;
  for (bool first = true;; first = false) {
    const int count = nearest_behind(view, tile, after, first, shared);
    if (count == 0) return;
    after = shared.keys[count - 1];
    if (painter.blend(shared, count) || count < kRound) return;
  }
}

}  // namespace

__global__ void __launch_bounds__(kBlendThreads, 5) sort_blend(const CudaView* views) {
  __shared__ Shared shared;
  talkrt::cuda::wait_for_previous_grid();
  const CudaView& view = views[blockIdx.y];
  const CudaScratch& scratch = view.scratch;
  const int tile = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  if (tile >= view.camera.tiles_x * view.camera.tiles_y) return;  // the whole block: another view is larger
  if (tile == 0 && thread == 0) {
    *scratch.stats = *scratch.counting;
    *scratch.counting = CudaStats{};
  }

  const auto count = static_cast<int>(scratch.bin_counts[tile]);
  Painter painter(view, tile);
  if (count <= view.bin_capacity) {
    const std::uint64_t* bin = scratch.bins + static_cast<std::ptrdiff_t>(tile) * view.bin_capacity;
    for (int i = thread; i < count; i += kBlendThreads) shared.keys[i] = bin[i];
    if (count > 0) {
      sort_keys<kBlendThreads>(shared.keys, count);
      painter.blend(shared, count);
    }
  } else {
    blend_all(view, tile, painter, shared);
  }
  __syncthreads();  // all have read the count
  if (thread == 0) scratch.bin_counts[tile] = 0;
  painter.write();
}

}  // namespace talkrt::gaussian::cuda
