// SPDX-License-Identifier: Apache-2.0
//
// Layers of small networks for sixteen Gaussians at a time: Gaussians are the lanes, weights are broadcast.
//
// Sums stay in registers along all inputs. A tile of kTogether blocks and kGroup outputs costs kTogether
// loads and kGroup broadcasts for kTogether * kGroup multiply-adds, and has enough sums under way (kParts
// times as many registers) to keep two pipes of four cycles busy.
#pragma once

#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr int kTogether = kParts == 1 ? 2 : 1;                  // blocks
inline constexpr int kGroup = kParts == 1 ? 12 : kParts == 2 ? 6 : 2;  // outputs

/// Values of kTogether blocks, [features, 16] each.
struct BlockValues {
  float* of[kTogether];
};

enum class Activation { none, relu };

template <int Outputs, Activation kActivation>
[[gnu::always_inline]] inline void dense_tile(const BlockValues& in, int inputs, const float* weights,
                                              int stride, const BlockValues* start, const BlockValues& out,
                                              int first) {
  Floats sum[kTogether][Outputs];
  for (int k = 0; k < kTogether; ++k) {
    for (int o = 0; o < Outputs; ++o) {
      sum[k][o] = start != nullptr ? load(start->of[k] + (first + o) * kLanes) : Floats(0.0f);
    }
  }
  for (int i = 0; i < inputs; ++i) {
    Floats x[kTogether];
    for (int k = 0; k < kTogether; ++k) x[k] = load(in.of[k] + i * kLanes);
    const float* row = weights + static_cast<std::ptrdiff_t>(i) * stride + first;
    for (int o = 0; o < Outputs; ++o) {
      const Floats w(row[o]);
      for (int k = 0; k < kTogether; ++k) sum[k][o] = fma(w, x[k], sum[k][o]);
    }
  }
  for (int k = 0; k < kTogether; ++k) {
    for (int o = 0; o < Outputs; ++o) {
      const Floats v = kActivation == Activation::relu ? max(sum[k][o], Floats(0.0f)) : sum[k][o];
      store(out.of[k] + (first + o) * kLanes, v);
    }
  }
}

/// The outputs that are left over when groups are full.
template <int Outputs, Activation kActivation>
inline void dense_rest(int rest, const BlockValues& in, int inputs, const float* weights, int stride,
                       const BlockValues* start, const BlockValues& out, int first) {
  if constexpr (Outputs > 0) {
    if (rest == Outputs) {
      dense_tile<Outputs, kActivation>(in, inputs, weights, stride, start, out, first);
    } else {
      dense_rest<Outputs - 1, kActivation>(rest, in, inputs, weights, stride, start, out, first);
    }
  }
}

/// out = activation(start + in weights), weights [inputs, outputs]; start may be null. `out` is not `in`.
template <Activation kActivation>
inline void dense(const BlockValues& in, int inputs, const float* weights, int outputs,
                  const BlockValues* start, const BlockValues& out) {
  int first = 0;
  for (; first + kGroup <= outputs; first += kGroup) {
    dense_tile<kGroup, kActivation>(in, inputs, weights, outputs, start, out, first);
  }
  dense_rest<kGroup - 1, kActivation>(outputs - first, in, inputs, weights, outputs, start, out, first);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
