// SPDX-License-Identifier: Apache-2.0
//
// Layers of an attention network for up to kMostTogether blocks of sixteen Gaussians: Gaussians are the
// lanes, weights are broadcast, sums stay in registers along all inputs. A tile of three blocks and eight
// outputs costs 11 loads for 24 multiply-adds, which two loads and two multiply-adds a cycle do in 12 cycles.
#pragma once

#include <cstddef>

#include "kernels/gaussian/attention_network.hpp"
#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr int kMostTogether = kParts == 1 ? 3 : 1;
inline constexpr int kTileOutputs = kParts == 1 ? 8 : kParts == 2 ? 4 : 2;
static_assert(kPackedOutputs % kTileOutputs == 0);

/// [inputs, outputs], a row behind the other or as pack_weights() lays them.
struct Weights {
  const float* at;
  int inputs, outputs;
  bool packed;

  /// Of outputs from `first` on; the row behind lies `stride(first)` floats on.
  [[nodiscard]] const float* column(int first) const {
    if (!packed) return at + first;
    const int part = first / kPackedOutputs * kPackedOutputs;
    return at + static_cast<std::ptrdiff_t>(part) * inputs + (first - part);
  }
  [[nodiscard]] int stride(int first) const {
    if (!packed) return outputs;
    const int left = outputs - first / kPackedOutputs * kPackedOutputs;
    return left < kPackedOutputs ? left : kPackedOutputs;
  }
};

/// Blocks of values, [rows, 16] each.
struct Values {
  const float* at;
  int rows;
};

/// What sums begin with: values [Blocks][outputs, 16], or the same number [outputs] for all.
enum class Start { values, numbers };

/// Memory that is needed next, fetched little by little, so that arithmetic hides it.
class Fetch {
 public:
  void add(const float* from, std::ptrdiff_t floats) {
    ranges_[count_] = {from, from + floats};
    ++count_;
  }
  void some() {
    if (next_ == count_) return;
    Range& range = ranges_[next_];
    for (int i = 0; i < kLinesAtOnce && range.at < range.end; ++i, range.at += kLanes) {
      __builtin_prefetch(range.at, 0, 2);
    }
    if (range.at >= range.end) ++next_;
  }

 private:
  static constexpr int kLinesAtOnce = 12;
  struct Range {
    const float *at, *end;
  };
  Range ranges_[8];
  int count_ = 0, next_ = 0;
};

/// Outputs of a layer, all at once. A function of its own, for its loop needs all registers; GCC 12 unrolls
/// too late to keep the sums in them unless it is told to.
template <Start kStart, int Blocks, int Outputs>
[[gnu::noinline]] inline void attention_tile(const Values& in, int inputs, const float* row, int stride,
                                             const float* start, std::ptrdiff_t out_block, float least,
                                             float* out) {
  const std::ptrdiff_t in_block = static_cast<std::ptrdiff_t>(in.rows) * kLanes;
  Floats sum[Blocks][Outputs];
#pragma GCC unroll 8
  for (int k = 0; k < Blocks; ++k) {
#pragma GCC unroll 8
    for (int o = 0; o < Outputs; ++o) {
      sum[k][o] = kStart == Start::values ? load(start + k * out_block + o * kLanes) : Floats(start[o]);
    }
  }
  const float* from = in.at;
  for (int i = 0; i < inputs; ++i) {
    Floats x[Blocks];
#pragma GCC unroll 8
    for (int k = 0; k < Blocks; ++k) x[k] = load(from + k * in_block);
#pragma GCC unroll 8
    for (int o = 0; o < Outputs; ++o) {
      const Floats weight(row[o]);
#pragma GCC unroll 8
      for (int k = 0; k < Blocks; ++k) sum[k][o] = fma(weight, x[k], sum[k][o]);
    }
    from += kLanes;
    row += stride;
  }
#pragma GCC unroll 8
  for (int k = 0; k < Blocks; ++k) {
#pragma GCC unroll 8
    for (int o = 0; o < Outputs; ++o) {
      store(out + k * out_block + o * kLanes, max(sum[k][o], Floats(least)));
    }
  }
}

/// Outputs from `first` on.
template <Start kStart, int Blocks, int Outputs>
inline void attention_outputs(const Values& in, const Weights& w, const float* start, int first, float least,
                              float* out) {
  const std::ptrdiff_t at = std::ptrdiff_t{first} * kLanes;
  attention_tile<kStart, Blocks, Outputs>(in, w.inputs, w.column(first), w.stride(first),
                                          start + (kStart == Start::values ? at : first),
                                          std::ptrdiff_t{w.outputs} * kLanes, least, out + at);
}

template <Start kStart, int Blocks, int Outputs>
inline void attention_rest(int left, const Values& in, const Weights& w, const float* start, int first,
                           float least, float* out) {
  if constexpr (Outputs > 0) {
    if (left == Outputs) {
      attention_outputs<kStart, Blocks, Outputs>(in, w, start, first, least, out);
    } else {
      attention_rest<kStart, Blocks, Outputs - 1>(left, in, w, start, first, least, out);
    }
  }
}

/// out [Blocks][outputs, 16] = max(start + in w, least), of the first rows of `in`; `out` is not `in`, but
/// may be where the start is.
template <Start kStart, int Blocks>
[[gnu::noinline]] inline void attention_dense(const Values& in, const Weights& w, const float* start,
                                              float least, float* out, Fetch& fetch) {
  int first = 0;
  for (; first + kTileOutputs <= w.outputs; first += kTileOutputs) {
    attention_outputs<kStart, Blocks, kTileOutputs>(in, w, start, first, least, out);
    fetch.some();
  }
  attention_rest<kStart, Blocks, kTileOutputs - 1>(w.outputs - first, in, w, start, first, least, out);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
