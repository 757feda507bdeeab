// SPDX-License-Identifier: Apache-2.0
//
// Layers of small networks for the Gaussians of one block of threads: values lie in shared memory, a row a
// feature, weights come from L2 through shared memory, sums stay in registers along all inputs.
//
// A thread of a wide layer owns 8 Gaussians and 8 outputs: 64 multiply-adds for 4 loads of 16 bytes, and no
// two of a warp's addresses in the same bank. Eight rows of weights are fetched while the eight before them
// are at work. Of a narrow layer, a thread owns one Gaussian and 4 outputs.
//
// Every sum begins with its start and takes the inputs in order, each by one fused multiply-add, as dense.hpp
// and attention_dense.hpp do: same numbers, bit for bit.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/attention_network.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr int kMoveThreads = 128;
inline constexpr float kNoLeast = -3.402823466e38f;

/// [inputs, outputs], a row behind the other or as pack_weights() lays them.
struct Weights {
  const float* at;
  int inputs, outputs;
  bool packed;

  /// Where an output of the eight from 8 * part on lies.
  [[nodiscard]] __device__ int place(int row, int part, int output) const {
    const int left = outputs - part * kPackedOutputs,
              packed_stride = left < kPackedOutputs ? left : kPackedOutputs;
    return part * kPackedOutputs * (packed ? inputs : 1) + row * (packed ? packed_stride : outputs) + output;
  }
  /// Whether four outputs from a multiple of four on can be read at once.
  [[nodiscard]] __device__ bool in_quads() const {
    return outputs % kPackedOutputs == 0 && reinterpret_cast<std::uintptr_t>(at) % sizeof(float4) == 0;
  }
};

/// Four Gaussians' values.
struct Quad {
  float of[4];
};
__device__ __forceinline__ Quad load_quad(const float* from) {
  const float4 v = *reinterpret_cast<const float4*>(from);
  return {{v.x, v.y, v.z, v.w}};
}
/// Out of memory that nobody writes while the kernel runs.
__device__ __forceinline__ Quad fetch_quad(const float* from) {
  const float4 v = __ldg(reinterpret_cast<const float4*>(from));
  return {{v.x, v.y, v.z, v.w}};
}
__device__ __forceinline__ void store_quad(float* to, const Quad& v) {
  *reinterpret_cast<float4*>(to) = float4{v.of[0], v.of[1], v.of[2], v.of[3]};
}

/// Shared memory behind Staged, in floats: where values lie is said by how far they lie in it, so that the
/// compiler knows them to be shared.
__device__ __forceinline__ float* shared_rows();

/// What sums begin with.
struct Start {
  enum Kind { zero, numbers, rows, blocks };
  Kind kind = zero;
  const float* from =
      nullptr;  // numbers [outputs], the same for all Gaussians; or blocks [count, outputs, 16]
  int at = 0;   // of rows: in shared memory, may be where the sums go
  int outputs = 0, count = 0;  // of blocks; Gaussians beyond them repeat the last

  [[nodiscard]] __device__ const float* in_blocks(int o, int gaussian) const {
    const int block = gaussian / kBlock < count ? gaussian / kBlock : count - 1;
    return from + (std::ptrdiff_t{block} * outputs + o) * kBlock + gaussian % kBlock;
  }
  template <int Gaussians>
  [[nodiscard]] __device__ float one(int o, int gaussian) const {
    if (kind == zero) return 0;
    if (kind == rows) return shared_rows()[at + o * Gaussians + gaussian];
    return __ldg(kind == numbers ? from + o : in_blocks(o, gaussian));
  }
};

/// out [outputs, Gaussians] = max(start + in w, least), of the first rows of `in`. Both are places in
/// shared_rows(), and not the same.
struct Layer {
  int in;
  Weights weights;
  Start start;
  float least;
  int out;
};

/// Which Gaussians a block of threads is at: a group of one network's, of one avatar.
struct Turn {
  const void* job;
  int group, next;  // `next` counts on from the groups of the networks before
  int avatar, network;
};

/// In shared memory: the layer and rows of weights on their way, [2][16 parts][8 rows, 8 outputs]; a narrow
/// layer's eight outputs at once, [inputs, 8].
struct alignas(16) Staged {
  static constexpr int kRows = 8, kParts = 16;
  static constexpr int kPartStride = kRows * kPackedOutputs + 8;  // so that parts begin in banks of their own
  static constexpr int kTile = kParts * kPartStride;
  float tiles[2 * kTile];
  alignas(16) Layer layer;  // that is at work; registers are for its sums
  Turn turn;
};
__device__ __forceinline__ float* shared_rows() {
  return reinterpret_cast<float*>(talkrt::cuda::dynamic_shared<Staged>() + 1);
}
static_assert(2 * Staged::kTile >= kMaxNetworkWidth * kPackedOutputs);

/// `Quads` times 4 Gaussians a thread, so 32 * Quads a block of threads.
template <int Quads>
class Dense {
 public:
  static constexpr int kGaussians = 32 * Quads;

  /// All threads call it, in one place of a kernel alone: its loops are inlined and want all registers. It
  /// begins with a barrier, and what it made is there behind the next one.
  template <class Which>
  __device__ static void run(Which which) {
    Staged& staged = *talkrt::cuda::dynamic_shared<Staged>();
    __syncthreads();
    if (threadIdx.x == 0) staged.layer = which();
    __syncthreads();
    const auto& [in, w, start, least, out] = staged.layer;
    int first = 0;
    for (int left = w.outputs; left > 0; left = w.outputs - first) {
      if (left > kWorthEight) {
        wide<8>(in, w, start, least, out, first);
        first += 8 * kColumns;
      } else if (left > kWorthFour) {
        wide<4>(in, w, start, least, out, first);
        first += 4 * kColumns;
      } else {
        narrow(in, w, start, least, out, first);
        first += kPackedOutputs;
      }
    }
  }

 private:
  static constexpr int kAcross = 8, kColumns = kMoveThreads / kAcross;  // threads along Gaussians and outputs
  // Outputs from which on a wide tile that is not full is cheaper than what is narrower.
  static constexpr int kWorthEight = 96, kWorthFour = 40;

  /// Outputs [first, first + Each * kColumns).
  template <int Each>
  __device__ static void wide(int in, const Weights& w, const Start& start, float least, int out, int first) {
    constexpr int kParts = Each * kColumns / kPackedOutputs;
    const int thread = static_cast<int>(threadIdx.x), across = thread % kAcross * 4,
              column = thread / kAcross * Each;
    float* const tiles = talkrt::cuda::dynamic_shared<Staged>()->tiles;
    const int mine = w.outputs - first - column;  // outputs of this thread that there are
    float sum[4 * Quads][Each];
    begin(start, first + column, mine, across, sum);
    float next[kParts / 2];
    fetch(w, first, 0, next);
    __syncthreads();  // `in` is there, and nobody reads the tiles any more
    keep(w, next, tiles);
    const float* mine_at = tiles + column / kPackedOutputs * Staged::kPartStride + column % kPackedOutputs;
    int tile = 0;
    for (int row = 0; row < w.inputs; row += Staged::kRows, tile ^= 1) {
      const bool more = row + Staged::kRows < w.inputs;
      if (more) fetch(w, first, row + Staged::kRows, next);
      __syncthreads();
      const float *x = shared_rows() + in + row * kGaussians + across,
                  *weights = mine_at + tile * Staged::kTile;
      if (row + Staged::kRows <= w.inputs) {
#pragma unroll
        for (int k = 0; k < Staged::kRows; ++k) step<Each>(x, weights, k, sum);
      } else {
#pragma unroll 1
        for (int k = 0; k < w.inputs - row; ++k) step<Each>(x, weights, k, sum);
      }
      if (more) keep(w, next, tiles + (tile ^ 1) * Staged::kTile);
    }
#pragma unroll
    for (int o = 0; o < Each; ++o) {
      if (o >= mine) break;
#pragma unroll
      for (int q = 0; q < Quads; ++q) {
        Quad v;
#pragma unroll
        for (int i = 0; i < 4; ++i) v.of[i] = fmaxf(sum[4 * q + i][o], least);
        store_quad(shared_rows() + out + (first + column + o) * kGaussians + q * 32 + across, v);
      }
    }
  }

  /// Sums of outputs [o, o + mine) before any input; 0 behind them.
  template <int Each>
  __device__ static void begin(const Start& start, int o, int mine, int across,
                               float (&sum)[4 * Quads][Each]) {
    const auto fill = [&](auto quad) {
#pragma unroll
      for (int k = 0; k < Each; ++k) {
#pragma unroll
        for (int q = 0; q < Quads; ++q) {
          const Quad v = k < mine ? quad(k, q) : Quad{};
#pragma unroll
          for (int i = 0; i < 4; ++i) sum[4 * q + i][k] = v.of[i];
        }
      }
    };
    if (start.kind == Start::rows) {
      const float* from = shared_rows() + start.at + o * kGaussians + across;
      fill([&](int k, int q) { return load_quad(from + k * kGaussians + q * 32); });
    } else if (start.kind == Start::blocks) {
      const float* from[Quads];
#pragma unroll
      for (int q = 0; q < Quads; ++q) from[q] = start.in_blocks(o, q * 32 + across);
      fill([&](int k, int q) { return fetch_quad(from[q] + k * kBlock); });
    } else {
      fill([&](int k, int) {
        const float v = start.kind == Start::zero ? 0.0f : __ldg(start.from + o + k);
        return Quad{{v, v, v, v}};
      });
    }
  }

  /// This thread's share of eight rows of weights from row `row` on, zeros where there are none.
  template <int Count>
  __device__ static void fetch(const Weights& w, int first, int row, float (&next)[Count]) {
    const int thread = static_cast<int>(threadIdx.x), part = first / kPackedOutputs;
    if (w.in_quads()) {
      const int k = row + thread % 16 / 2;
#pragma unroll
      for (int j = 0; j < Count / 4; ++j) {
        const int p = part + thread / 16 + 8 * j;
        Quad v{};
        if (p * kPackedOutputs < w.outputs && k < w.inputs) {
          v = fetch_quad(w.at + w.place(k, p, thread % 2 * 4));
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) next[4 * j + i] = v.of[i];
      }
    } else {
      const int output = thread % kPackedOutputs, k = row + thread / kPackedOutputs % Staged::kRows;
#pragma unroll
      for (int j = 0; j < Count; ++j) {
        const int p = part + thread / 64 + 2 * j;
        const bool there = p * kPackedOutputs + output < w.outputs && k < w.inputs;
        next[j] = there ? __ldg(w.at + w.place(k, p, output)) : 0.0f;
      }
    }
  }
  template <int Count>
  __device__ static void keep(const Weights& w, const float (&next)[Count], float* tile) {
    const int thread = static_cast<int>(threadIdx.x);
    if (w.in_quads()) {
#pragma unroll
      for (int j = 0; j < Count / 4; ++j) {
        store_quad(tile + (thread / 16 + 8 * j) * Staged::kPartStride + thread % 16 * 4,
                   {{next[4 * j], next[4 * j + 1], next[4 * j + 2], next[4 * j + 3]}});
      }
    } else {
#pragma unroll
      for (int j = 0; j < Count; ++j)
        tile[(thread / 64 + 2 * j) * Staged::kPartStride + thread % 64] = next[j];
    }
  }

  template <int Each>
  __device__ static void step(const float* x, const float* weights, int k, float (&sum)[4 * Quads][Each]) {
    Quad w[Each / 4], v[Quads];
#pragma unroll
    for (int j = 0; j < Each / 4; ++j) w[j] = load_quad(weights + k * kPackedOutputs + 4 * j);
#pragma unroll
    for (int q = 0; q < Quads; ++q) v[q] = load_quad(x + k * kGaussians + q * 32);
#pragma unroll
    for (int o = 0; o < Each; ++o) {
#pragma unroll
      for (int i = 0; i < 4 * Quads; ++i) {
        sum[i][o] = fmaf(w[o / 4].of[o % 4], v[i / 4].of[i % 4], sum[i][o]);
      }
    }
  }

  /// Outputs [first, first + 8).
  __device__ static void narrow(int in, const Weights& w, const Start& start, float least, int out,
                                int first) {
    constexpr int kEach = kPackedOutputs * kGaussians / kMoveThreads;
    const int thread = static_cast<int>(threadIdx.x), gaussian = thread % kGaussians,
              from = thread / kGaussians * kEach;
    const int part = first / kPackedOutputs, left = w.outputs - first;
    float* const tiles = talkrt::cuda::dynamic_shared<Staged>()->tiles;
    __syncthreads();  // as above
    for (int i = thread; i < w.inputs * kPackedOutputs; i += kMoveThreads) {
      const int output = i % kPackedOutputs;
      tiles[i] = output < left ? __ldg(w.at + w.place(i / kPackedOutputs, part, output)) : 0.0f;
    }
    __syncthreads();
    if (from >= left) return;
    float sum[kEach];
#pragma unroll
    for (int o = 0; o < kEach; ++o)
      sum[o] = from + o < left ? start.one<kGaussians>(first + from + o, gaussian) : 0.0f;
#pragma unroll 4
    for (int k = 0; k < w.inputs; ++k) {
      const float x = shared_rows()[in + k * kGaussians + gaussian];
      float each[kEach];
      if constexpr (kEach == 4) {
        const Quad v = load_quad(tiles + k * kPackedOutputs + from);
        for (int o = 0; o < 4; ++o) each[o] = v.of[o];
      } else {
        for (int o = 0; o < kEach; ++o) each[o] = tiles[k * kPackedOutputs + from + o];
      }
#pragma unroll
      for (int o = 0; o < kEach; ++o) sum[o] = fmaf(each[o], x, sum[o]);
    }
#pragma unroll
    for (int o = 0; o < kEach; ++o) {
      if (from + o < left)
        shared_rows()[out + (first + from + o) * kGaussians + gaussian] = fmaxf(sum[o], least);
    }
  }
};

}  // namespace talkrt::gaussian::cuda
