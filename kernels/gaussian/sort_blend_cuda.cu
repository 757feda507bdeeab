// SPDX-License-Identifier: Apache-2.0
//
// sort_blend: a block of 256 threads draws one tile of 16x16 pixels.
//
//   1. The tile's bin into shared memory, sorted by (layer, depth, index).
//   2. kBatch records at a time into shared memory, in order.
//   3. Each of the 8 warps owns 8x4 pixels. Its lanes test 32 records against that rectangle at once. Those
//      that reach it are written down for this warp, as seen from the rectangle's corner, and blended two by
//      two, a pixel a lane, with the exact stop rule: the exponents of two splats are worked out side by
//      side, what depends on the transmittance one after the other. A warp whose pixels are done tests
//      nothing more, and when all are done the tile ends.
//   4. Pixels out. Thread 0 sets the bin's count back to 0 for the next frame.
//
// A tile whose bin was full looks for its splats among all: it walks the rectangles of all Gaussians, keeps
// the nearest kRound, blends them, and goes on behind them until none are left or its pixels are done. Slow,
// exact, and in need of nobody: no host reads a flag between the kernels.
//
// Shared memory is 40 KB and registers are held to 64 a thread, so four blocks fit a multiprocessor: an H200
// has 528 places, and a head covers 500 to 640 of the 1024 tiles of 512x512. With 48 registers for five the
// loop over splats would wait for each one's loads.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/extent_cuda.hpp"
#include "kernels/gaussian/kernels_cuda.hpp"
#include "kernels/gaussian/resolve_cuda.hpp"
#include "kernels/gaussian/sort_cuda.hpp"

namespace talkrt::gaussian::cuda {
namespace {

constexpr int kWarps = kBlendThreads / 32;
constexpr int kBatch = kBlendThreads;  // each thread fetches one record
// Of an overfull tile: how many are blended at once, looked at between two barriers, and held before the
// farthest are let go.
constexpr int kRound = kMaxBinCapacity / 2, kScan = 2 * kBlendThreads, kFull = kMaxBinCapacity - kScan;
constexpr unsigned kWholeWarp = 0xffffffffu;
constexpr std::uint64_t kBehind = std::uint64_t{1} << 63;  // the least key of layer 1
static_assert(sizeof(Record) == 3 * sizeof(float4));

/// The splats that reach a warp's rectangle, of 32 that were tested. With the lane's column x and row y, the
/// exponent is log2_opacity - (u + p x + r y)^2 - (v + s y)^2.
struct Touching {
  float4 place[32];  // p, r, u, s
  float4 shade[32];  // v, log2 opacity, red, green
  float blue[32], depth[32];
};

struct Shared {
  SharedView view;
  std::uint64_t keys[kMaxBinCapacity];
  float4 records[kBatch * 3];
  float front[kBlendThreads];  // of each pixel: transmittance of a layer in front that is done
  Touching touching[kWarps];
  // What the loop over splats would otherwise keep in registers.
  int left, top;        // of the tile, pixels
  int binned, held;     // of the tile; of the round
  std::uint64_t after;  // the last key that was drawn; 0: none

  [[nodiscard]] __device__ const CudaView& begin(const CudaView& from, int tile) {
    if (threadIdx.x == 0) {
      const int across = from.camera.tiles_x;
      left = across > 0 ? tile % across * kTile : 0;
      top = across > 0 ? tile / across * kTile : 0;
      after = 0;
    }
    return view.load(from);
  }
};

/// A thread's pixel and its warp's rectangle.
class Painter {
 public:
  __device__ Painter(const CudaView& view, const Shared& shared) : view_(view), shared_(shared) {
    if (outside()) least_ = kDone;
  }

  /// Blends the Gaussians of sorted keys `first` to `count` - 1, whose low halves are indices. True: all
  /// pixels of the tile are done.
  __device__ bool blend(Shared& shared, int first, int count) {
    for (; first < count; first += kBatch) {
      if (__syncthreads_and(done() ? 1 : 0) != 0) return true;  // also: the batch before was used
      const int batch = count - first < kBatch ? count - first : kBatch;
      fetch(shared, first, batch);
      __syncthreads();
      blend_batch(shared, batch);
    }
    return __syncthreads_and(done() ? 1 : 0) != 0;
  }

  /// From here on the layer behind, as if alone: transmittance goes on from that of the layer in front, and
  /// so does where it stops.
  __device__ void begin_behind(Shared& shared) {
    shared.front[threadIdx.x] = pixel_.transmittance;
    least_ = outside() ? kDone : kMinAlpha;
  }

  __device__ void write() const { write_pixel(view_, pixel_, x(), y()); }
  /// The same of layers apart, after begin_behind().
  __device__ void write_apart(const Shared& shared) {
    const float front = shared.front[threadIdx.x];
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(y()) * view_.camera.width + x();
    if (view_.target.light != nullptr) {
      if (outside()) return;
      *reinterpret_cast<float4*>(view_.target.light + at * 4) = {pixel_.red, pixel_.green, pixel_.blue,
                                                                 front};
      view_.target.behind[at] = 1.0f - pixel_.transmittance / front;
      if (view_.target.depth != nullptr) view_.target.depth[at] = pixel_.depth;  // a sum until grow_behind
      return;
    }
    if (view_.background.hidden != nullptr && !outside()) {
      pixel_.transmittance = front * (1.0f - view_.background.hidden[at]);
    }
    write();
  }

 private:
  static constexpr float kDone = 2;  // more than any alpha

  [[nodiscard]] __device__ int left() const {
    return shared_.left + static_cast<int>(threadIdx.x) / 32 % 2 * 8;
  }
  [[nodiscard]] __device__ int top() const { return shared_.top + static_cast<int>(threadIdx.x) / 64 * 4; }
  [[nodiscard]] __device__ int x() const { return left() + static_cast<int>(threadIdx.x) % 8; }
  [[nodiscard]] __device__ int y() const { return top() + static_cast<int>(threadIdx.x) % 32 / 8; }
  [[nodiscard]] __device__ bool outside() const {
    return x() >= view_.camera.width || y() >= view_.camera.height;
  }
  [[nodiscard]] __device__ bool done() const { return least_ == kDone; }

  __device__ void fetch(Shared& shared, int first, int batch) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread >= batch) return;
    const auto index = static_cast<std::uint32_t>(shared.keys[first + thread]);
    const auto* from = reinterpret_cast<const float4*>(view_.scratch.records + index);
    const float4 a = from[0], b = from[1], c = from[2];
    float4* to = shared.records + thread * 3;
    to[0] = a, to[1] = b, to[2] = c;
  }

  __device__ void blend_batch(Shared& shared, int batch) {
    Touching& list = shared.touching[threadIdx.x / 32];
    const float column = static_cast<float>(threadIdx.x % 8), row = static_cast<float>(threadIdx.x % 32 / 8);
    const float done_at = view_.camera.done_at * shared.front[threadIdx.x];
    const bool deep = view_.target.depth != nullptr;
    const float corner_x = static_cast<float>(left()) + 0.5f, corner_y = static_cast<float>(top()) + 0.5f;
    for (int group = 0; group < batch; group += 32) {
      if (__ballot_sync(kWholeWarp, done() ? 0 : 1) == 0) return;
      const int count = find_touching(shared.records + group * 3, batch - group, corner_x, corner_y, list);
      __syncwarp();
      if (deep) {
        blend_list<true>(list, count, column, row, done_at);
      } else {
        blend_list<false>(list, count, column, row, done_at);
      }
      __syncwarp();
    }
  }

  /// How many of these (up to 32) records reach the warp's rectangle. An even number of them can be blended:
  /// the last may be nothing.
  __device__ int find_touching(const float4* records, int count, float left, float top,
                               Touching& list) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float4 a{}, b{};
    bool touched = false;
    if (lane < count) {
      a = records[lane * 3];      // x, y, p, r
      b = records[lane * 3 + 1];  // s, log2 opacity, y of x, x of y
      touched = Reach{a.x, a.y, a.z, a.w, b.x, b.z, b.w, reach_of(b.y)}.touches(left, top, left + 7, top + 3);
    }
    const unsigned all = __ballot_sync(kWholeWarp, touched ? 1 : 0);
    const int found = __popc(all);
    if (touched) {
      const float4 c = records[lane * 3 + 2];  // colour, depth
      const int at = __popc(all & ((1u << lane) - 1));
      const float dx = left - a.x, dy = top - a.y;
      list.place[at] = {a.z, a.w, fmaf(a.z, dx, a.w * dy), b.x};
      list.shade[at] = {b.x * dy, b.y, c.x, c.y};
      list.blue[at] = c.z;
      list.depth[at] = c.w;
    }
    if (found % 2 != 0 && lane == 0) {
      list.place[found] = {0, 0, 0, 0};
      list.shade[found] = {0, -200, 0, 0};
      list.blue[found] = list.depth[found] = 0;
    }
    return found;
  }

  [[nodiscard]] __device__ static float alpha(const float4& place, const float4& shade, float column,
                                              float row) {
    const float u = fmaf(place.x, column, fmaf(place.y, row, place.z)), v = fmaf(place.w, row, shade.x);
    return fminf(kMaxAlpha, talkrt::cuda::exp2_fast(fmaf(-u, u, fmaf(-v, v, shade.y))));
  }

  template <bool Deep>
  __device__ void blend_list(const Touching& list, int count, float column, float row, float done_at) {
    int i = 0;
#pragma unroll 1
    for (; i + 2 < count; i += 4) add<4, Deep>(list, i, column, row, done_at);
    if (i < count) add<2, Deep>(list, i, column, row, done_at);
  }

  /// `Count` splats of the list. Transmittance only falls, so whether the pixel stops among them is asked
  /// once, behind the last; what depends on the splat before is one multiply-add.
  template <int Count, bool Deep>
  __device__ void add(const Touching& list, int first, float column, float row, float done_at) {
    float4 shade[Count];
    float alphas[Count], left[Count + 1], weight[Count];
#pragma unroll
    for (int k = 0; k < Count; ++k) {
      shade[k] = list.shade[first + k];
      alphas[k] = alpha(list.place[first + k], shade[k], column, row);
    }
    left[0] = pixel_.transmittance;
#pragma unroll
    for (int k = 0; k < Count; ++k) {
      const float counted = alphas[k] >= least_ ? alphas[k] : 0.0f;
      left[k + 1] = fmaf(-counted, left[k], left[k]);
      weight[k] = left[k] - left[k + 1];  // alpha * before, to 2^-24
    }
    pixel_.transmittance = left[Count];
    if (left[Count] <= done_at) {
#pragma unroll
      for (int k = Count - 1; k >= 0; --k) {
        if (left[k + 1] <= done_at) weight[k] = 0, pixel_.transmittance = left[k];
      }
      least_ = kDone;
    }
#pragma unroll
    for (int k = 0; k < Count; ++k) {
      pixel_.red = fmaf(weight[k], shade[k].z, pixel_.red);
      pixel_.green = fmaf(weight[k], shade[k].w, pixel_.green);
      pixel_.blue = fmaf(weight[k], list.blue[first + k], pixel_.blue);
      if (Deep) pixel_.depth = fmaf(weight[k], list.depth[first + k], pixel_.depth);
    }
  }

  const CudaView& view_;
  const Shared& shared_;
  float least_ = kMinAlpha;  // that counts for this pixel
  Pixel pixel_;
};

/// A tile's Gaussians in drawing order: all of its bin, or of an overfull one kRound at a time.
class Rounds {
 public:
  __device__ Rounds(const CudaView& view, Shared& shared) : view_(view), shared_(shared) {}

  /// The next ones' keys, sorted; returns how many.
  __device__ int next() {
    const int thread = static_cast<int>(threadIdx.x);
    std::uint64_t limit = kNoKey;
    int at = 0, held = 0;
    __syncthreads();
    if (thread == 0) shared_.held = 0;
    __syncthreads();
    do {
      if (whole()) {
        held = shared_.binned;
        const std::uint64_t* bin = view_.scratch.bins + std::ptrdiff_t{blockIdx.x} * view_.bin_capacity;
        for (int i = thread; i < held; i += kBlendThreads) shared_.keys[i] = bin[i];
      } else {
        at = look_further(at, limit);
        held = shared_.held;
      }
      sort_keys<kBlendThreads>(shared_.keys, held);
      if (whole() || held <= kRound) continue;
      held = kRound;  // the farther ones may wait
      limit = shared_.keys[kRound - 1];
      if (thread == 0) shared_.held = kRound;
      __syncthreads();
    } while (!whole() && at < view_.rig.rest.count);
    if (thread == 0 && held > 0) shared_.after = shared_.keys[held - 1];
    return held;
  }
  /// Whether more may come after a round of so many.
  [[nodiscard]] __device__ bool more(int held) const { return !whole() && held == kRound; }
  /// What is left of the layer in front is hidden.
  __device__ void leave_front() {
    if (threadIdx.x == 0 && shared_.after < kBehind) shared_.after = kBehind - 1;
  }

 private:
  [[nodiscard]] __device__ bool whole() const { return shared_.binned <= view_.bin_capacity; }

  /// From Gaussian `at` on, until more than kFull are held or all were seen; returns where it stopped.
  __device__ int look_further(int at, std::uint64_t limit) {
    const Splats& splats = view_.rig.rest;
    const std::uint64_t after = shared_.after;
    const int x = shared_.left / kTile, y = shared_.top / kTile;
    bool full = false;
    for (; at < splats.count && !full; at += kScan) {
      bool beyond = false;
      for (int i = at + static_cast<int>(threadIdx.x); i < at + kScan && i < splats.count;
           i += kBlendThreads) {
        const TileRect rect = view_.scratch.rects[i];
        if (x < rect.x0 || x > rect.x1 || y < rect.y0 || y > rect.y1) continue;
        const std::uint32_t layer = splats.layers != nullptr && splats.layers[i] != 0 ? 0x80000000u : 0;
        const std::uint64_t key = std::uint64_t{__float_as_uint(view_.scratch.records[i].z) | layer} << 32 |
                                  static_cast<std::uint32_t>(i);
        if (key <= after || key >= limit) continue;  // no depth is 0, so no key is
        const int slot = atomicAdd(&shared_.held, 1);
        shared_.keys[slot] = key;
        beyond = beyond || slot >= kFull;
      }
      full = __syncthreads_and(beyond ? 0 : 1) == 0;
    }
    return at;
  }

  const CudaView& view_;
  Shared& shared_;
};

/// How many of the sorted keys are of layer 0.
__device__ int in_front(const Shared& shared, int count) {
  int least = 0, most = count;
  while (least < most) {
    const int middle = (least + most) / 2;
    if (shared.keys[middle] < kBehind) {
      least = middle + 1;
    } else {
      most = middle;
    }
  }
  return least;
}

/// Whether the layers are pictures of their own.
__device__ bool apart(const CudaView& view) {
  return view.camera.layers_apart && view.rig.rest.layers != nullptr;
}

/// One round. `front`: layers are apart and the one in front goes on. True: nothing that follows can show.
__device__ bool blend_round(Painter& painter, Rounds& rounds, Shared& shared, int held, bool& front) {
  const int split = front ? in_front(shared, held) : 0;
  for (int first = 0;; first = split) {
    const bool done = painter.blend(shared, first, front ? split : held);
    if (!front || (!done && split == held)) return done;
    front = false;
    rounds.leave_front();
    painter.begin_behind(shared);
  }
}

}  // namespace

__global__ void __launch_bounds__(kBlendThreads, 4) sort_blend(const CudaView* views) {
  __shared__ Shared shared;
  const int tile = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const CudaView& view = shared.begin(views[blockIdx.y], tile);
  const CudaScratch& scratch = view.scratch;
  if (tile >= view.camera.tiles_x * view.camera.tiles_y) return;  // the whole block: another view is larger
  Painter painter(view, shared);
  talkrt::cuda::wait_for_previous_grid();  // the views were written before it began
  if (tile == 0 && thread == 0) {
    *scratch.stats = *scratch.counting;
    *scratch.counting = CudaStats{};
  }
  const auto binned = static_cast<int>(scratch.bin_counts[tile]);
  if (thread == 0) shared.binned = binned;
  bool front = apart(view);
  shared.front[thread] = 1;
  if (binned > 0) {
    Rounds rounds(view, shared);
    for (;;) {
      const int held = rounds.next();
      if (blend_round(painter, rounds, shared, held, front) || !rounds.more(held)) break;
    }
  }
  __syncthreads();  // all have read the count
  if (thread == 0) scratch.bin_counts[tile] = 0;
  if (!apart(view)) {
    painter.write();
    return;
  }
  if (front) painter.begin_behind(shared);
  painter.write_apart(shared);
}

}  // namespace talkrt::gaussian::cuda
