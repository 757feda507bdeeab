// SPDX-License-Identifier: Apache-2.0
//
// Runs an attention network for neighbouring blocks and moves their Gaussians. GaussianTalker's 64 features,
// 128 hidden numbers and five branches of 128 cost 58,368 multiply-adds a Gaussian, 40,960 of them the
// branches' first layers; weights (220 KB) come from L2, constants of a Gaussian (1,000 bytes) from memory.
#pragma once

#include "kernels/gaussian/attention_dense.hpp"
#include "kernels/gaussian/movement.hpp"
#include "kernels/gaussian/shape_block.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr float kNormEpsilon = 1e-12f;
inline constexpr float kNoLeast = -3.402823466e38f;
inline constexpr int kMostShNumbers = 48;

/// Where moved blocks go, one behind the other: means [blocks, 3, 16], frames [blocks, 9, 16], opacities
/// [blocks, 16], sh [blocks, 3 B, 16]. Written where the network has the branches; the rest may be null.
struct AttendedBlocks {
  float *means, *frames, *opacities, *sh;
};

/// Takes the mean of `width` rows from them, in place, and says what is left: their mean square.
inline Floats centre(float* rows, int width) {
  constexpr int kChains = 4;  // sums that do not wait for each other
  const Floats share(1.0f / static_cast<float>(width)), zero(0.0f);
  Floats sum[kChains] = {zero, zero, zero, zero}, squares[kChains] = {zero, zero, zero, zero};
  int i = 0;
  for (; i + kChains <= width; i += kChains) {
    for (int c = 0; c < kChains; ++c) sum[c] = sum[c] + load(rows + (i + c) * kLanes);
  }
  for (; i < width; ++i) sum[0] = sum[0] + load(rows + i * kLanes);
  const Floats mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) * share;
  const auto take = [&](int row, Floats& of) {
    const Floats v = load(rows + row * kLanes) - mean;
    store(rows + row * kLanes, v);
    of = fma(v, v, of);
  };
  for (i = 0; i + kChains <= width; i += kChains) {
    for (int c = 0; c < kChains; ++c) take(i + c, squares[c]);
  }
  for (; i < width; ++i) take(i, squares[0]);
  return ((squares[0] + squares[1]) + (squares[2] + squares[3])) * share;
}

/// Scores to weights, in place: the softmax of a head's scores and of a 0.
inline void soften(float* scores, int heads, int tokens) {
  for (int h = 0; h < heads; ++h) {
    float* of = scores + h * tokens * kLanes;
    Floats largest(0.0f);
    for (int t = 0; t < tokens; ++t) largest = max(load(of + t * kLanes), largest);
    const auto power = [&](Floats score) {
      return exp2_exact(max((score - largest) * Floats(kLog2E), Floats(-124.0f)));
    };
    Floats sum = power(Floats(0.0f));
    for (int t = 0; t < tokens; ++t) {
      const Floats e = power(load(of + t * kLanes));
      store(of + t * kLanes, e);
      sum = sum + e;
    }
    const Floats inverse = Floats(1.0f) / sum;
    for (int t = 0; t < tokens; ++t) store(of + t * kLanes, load(of + t * kLanes) * inverse);
  }
}

template <int Blocks>
class Attending {
 public:
  Attending(const AttentionNetwork& net, const AttentionInput& input, Fetch& fetch)
      : net_(net), input_(input), fetch_(fetch) {}

  /// Leaves relu(x) of all layers in x_. `own` is the first block, counted in the network.
  void attend(std::ptrdiff_t own) {
    const int width = net_.width, attended = net_.attended();
    const float* x = net_.still + own * width * kLanes;
    const float* mix = input_.mix;
    for (int l = 0; l < net_.layers; ++l) {
      const float *ask = mix, *offset = ask + width * attended, *give = offset + attended;
      mix = give + width * attended;
      weigh({x, width}, {ask, width, attended, false}, offset);
      dense<Start::values>({weights_, attended + 1}, {give, attended, width, false}, x, kNoLeast, x_);
      l == 0 ? widen_still(own) : widen(net_.layer[l]);
      finish(net_.layer[l], l + 1 == net_.layers);
      x = x_;
    }
  }

  /// d of one branch, [Blocks][numbers, 16].
  const float* branch(const AttentionBranch& b, int numbers) {
    dense<Start::numbers>({x_, net_.width}, {b.first, net_.width, b.width, true}, b.first_bias, 0, inner_);
    dense<Start::numbers>({inner_, b.width}, {b.second, b.width, numbers, true}, b.second_bias, kNoLeast,
                          deltas_);
    return deltas_;
  }

 private:
  static constexpr int kRows = kMaxNetworkWidth;

  template <Start kStart>
  void dense(const Values& in, const Weights& w, const float* start, float least, float* out) {
    attention_dense<kStart, Blocks>(in, w, start, least, out, fetch_);
  }
  float* rows(float* of, int block, int count) {
    return of + static_cast<std::ptrdiff_t>(block) * count * kLanes;
  }

  void weigh(const Values& x, const Weights& ask, const float* offset) {
    dense<Start::numbers>(x, ask, offset, kNoLeast, inner_);
    for (int k = 0; k < Blocks; ++k) {
      float* scores = rows(inner_, k, ask.outputs);
      soften(scores, net_.heads, net_.tokens);
      float* to = rows(weights_, k, ask.outputs + 1);
      for (int i = 0; i < ask.outputs; ++i) store(to + i * kLanes, load(scores + i * kLanes));
    }
  }

  /// x_ from a to gain v + what the first and second matrix of layer 0 add, all of it times 1 / scale_.
  void widen_still(std::ptrdiff_t own) {
    const AttentionLayer& layer = net_.layer[0];
    const int width = net_.width, hidden = net_.hidden, attended = net_.attended();
    for (int k = 0; k < Blocks; ++k) {
      float* v = rows(x_, k, width);
      const Floats deviation = sqrt(centre(v, width) + Floats(kNormEpsilon));
      scale_[k] = Floats(1.0f) / deviation;
      store(rows(weights_, k, attended + 1) + attended * kLanes, deviation);
      for (int i = 0; i < width; ++i) store(v + i * kLanes, load(v + i * kLanes) * Floats(layer.gain[i]));
    }
    dense<Start::values>({weights_, attended + 1}, {input_.hide, attended + 1, hidden, false},
                         net_.hidden_still + own * hidden * kLanes, 0, inner_);
    dense<Start::values>({inner_, hidden}, {layer.second, hidden, width, true}, x_, kNoLeast, x_);
  }

  void widen(const AttentionLayer& layer) {
    const int width = net_.width, hidden = net_.hidden;
    for (int k = 0; k < Blocks; ++k) {
      float* u = rows(x_, k, width);
      const Floats inverse = Floats(1.0f) / sqrt(centre(u, width) + Floats(kNormEpsilon));
      for (int i = 0; i < width; ++i) store(u + i * kLanes, load(u + i * kLanes) * inverse);
      scale_[k] = Floats(1.0f);
    }
    dense<Start::numbers>({x_, width}, {layer.first, width, hidden, true}, layer.first_bias, 0, inner_);
    for (int k = 0; k < Blocks; ++k) {
      float* u = rows(x_, k, width);
      for (int i = 0; i < width; ++i) store(u + i * kLanes, load(u + i * kLanes) * Floats(layer.gain[i]));
    }
    dense<Start::values>({inner_, hidden}, {layer.second, hidden, width, true}, x_, kNoLeast, x_);
  }

  void finish(const AttentionLayer& layer, bool last) {
    for (int k = 0; k < Blocks; ++k) {
      float* z = rows(x_, k, net_.width);
      for (int i = 0; i < net_.width; ++i) {
        store(z + i * kLanes, fma(scale_[k], load(z + i * kLanes), Floats(layer.second_bias[i])));
      }
      const Floats inverse = Floats(1.0f) / sqrt(centre(z, net_.width) + Floats(kNormEpsilon));
      for (int i = 0; i < net_.width; ++i) {
        const Floats gain = inverse * Floats(layer.norm_gain[i]);
        const Floats x = fma(load(z + i * kLanes), gain, Floats(layer.norm_bias[i]));
        store(z + i * kLanes, last ? max(x, Floats(0.0f)) : x);
      }
    }
  }

  const AttentionNetwork& net_;
  const AttentionInput& input_;
  Fetch& fetch_;
  Floats scale_[Blocks];
  alignas(64) float x_[Blocks * kRows * kLanes];
  alignas(64) float inner_[Blocks * kRows * kLanes];
  alignas(64) float weights_[Blocks * (kMaxAttended + 1) * kLanes];
  alignas(64) float deltas_[Blocks * kMostShNumbers * kLanes];
};

template <int Blocks>
[[gnu::noinline]] inline void attend_blocks(const Splats& rest, const AttentionNetwork& net,
                                            const AttentionInput& input, int block,
                                            const AttendedBlocks& out) {
  const std::ptrdiff_t first = block, own = first - net.first_block;
  const int bases = sh_bases(rest.sh_degree), colors = 3 * bases;
  Fetch fetch;
  const std::ptrdiff_t next = own + Blocks;
  const std::ptrdiff_t ahead = net.blocks() - next < Blocks ? net.blocks() - next : Blocks;
  if (ahead > 0) {
    const std::ptrdiff_t lanes = ahead * kLanes;
    fetch.add(net.still + next * net.width * kLanes, lanes * net.width);
    fetch.add(net.hidden_still + next * net.hidden * kLanes, lanes * net.hidden);
    if (net.paint.width > 0) {
      fetch.add(rest.sh + (first + Blocks) * colors * kLanes, lanes * colors);
    }
  }
  Attending<Blocks> network(net, input, fetch);
  network.attend(own);

  Mask mine[Blocks];
  for (int k = 0; k < Blocks; ++k) {
    const std::ptrdiff_t left = net.count - (own + k) * kLanes;
    mine[k] = lanes_below(left < kLanes ? static_cast<int>(left) : kLanes);
  }
  const Floats strength(input.strength);
  const auto added = [&](const float* delta, const float* to, int at) {
    return delta != nullptr ? fma(strength, load(delta + at), load(to + at)) : load(to + at);
  };
  if (net.move.width > 0) {
    const float* d = network.branch(net.move, 3);
    const float* from = rest.means + first * 3 * kLanes;
    for (int i = 0; i < Blocks * 3; ++i) {
      const int at = i * kLanes;
      store(out.means + at, select(mine[i / 3], added(d, from, at), load(from + at)));
    }
  }
  if (net.fade.width > 0) {
    const float* d = network.branch(net.fade, 1);
    const float* from = rest.opacities + first * kLanes;
    for (int k = 0; k < Blocks; ++k) {
      const int at = k * kLanes;
      const Floats opacity = sigmoid(added(d, net.opacities + own * kLanes, at));
      store(out.opacities + at, select(mine[k], opacity, load(from + at)));
    }
  }
  if (net.turns()) {
    alignas(64) float scales[Blocks * 3 * kLanes];
    const float* d = net.scale.width > 0 ? network.branch(net.scale, 3) : nullptr;
    for (int i = 0; i < Blocks * 3; ++i) {
      const Floats scale = added(d, net.scales + own * 3 * kLanes, i * kLanes);
      store(scales + i * kLanes, activated(net.activation, scale));
    }
    d = net.turn.width > 0 ? network.branch(net.turn, 4) : nullptr;
    const float* from = rest.frames + first * 9 * kLanes;
    for (int k = 0; k < Blocks; ++k) {
      Floats quat[4], turn[9];
      for (int c = 0; c < 4; ++c) quat[c] = added(d, net.quats + own * 4 * kLanes, (k * 4 + c) * kLanes);
      rotation(quat, turn);
      for (int i = 0; i < 9; ++i) {
        const int at = (k * 9 + i) * kLanes;
        const Floats scale = load(scales + (k * 3 + i % 3) * kLanes);
        store(out.frames + at, select(mine[k], turn[i] * scale, load(from + at)));
      }
    }
  }
  if (net.paint.width > 0) {
    const float* d = network.branch(net.paint, colors);
    const float* from = rest.sh + first * colors * kLanes;
    for (int k = 0; k < Blocks; ++k) {
      for (int i = 0; i < colors; ++i) {
        const int at = (k * colors + i) * kLanes;
        store(out.sh + at, select(mine[k], added(d, from, at), load(from + at)));
      }
    }
  }
}

/// Moves blocks [block, block + count) of the avatar, all of `net`; count is 1 to kMostTogether.
inline void attend(const Splats& rest, const AttentionNetwork& net, const AttentionInput& input, int block,
                   int count, const AttendedBlocks& out) {
  if constexpr (kMostTogether >= 3) {
    if (count == 3) return attend_blocks<3>(rest, net, input, block, out);
  }
  if constexpr (kMostTogether >= 2) {
    if (count == 2) return attend_blocks<2>(rest, net, input, block, out);
  }
  attend_blocks<1>(rest, net, input, block, out);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
