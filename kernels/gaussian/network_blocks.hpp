// SPDX-License-Identifier: Apache-2.0
//
// Runs a point network for neighbouring blocks and moves their Gaussians. A face of 38 attended numbers and
// 64 hidden ones costs 7,168 multiply-adds a Gaussian and 436 bytes of constants; hidden values stay in L1.
#pragma once

#include "kernels/gaussian/dense.hpp"
#include "kernels/gaussian/point_network.hpp"
#include "kernels/gaussian/shape_block.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// Values that nobody changes; BlockValues has no const twin.
inline BlockValues constants(const float* from, std::ptrdiff_t features, std::ptrdiff_t block, int count) {
  BlockValues out{};
  for (int k = 0; k < kTogether; ++k) {
    const std::ptrdiff_t b = k < count ? block + k : block;  // an odd one out is computed twice
    out.of[k] = const_cast<float*>(from + b * features * kLanes);
  }
  return out;
}

/// The constants of a block are as many bytes as everything else that it touches together, and are needed one
/// after the other from its first instruction on: they are on their way while the block before is at work.
inline void prefetch_constants(const PointNetwork& net, std::ptrdiff_t block) {
  if (block >= net.blocks()) return;
  const float* still = net.still + block * net.widths[0] * kLanes;
  for (int i = 0; i < net.widths[0]; ++i) __builtin_prefetch(still + i * kLanes, 0, 2);
  const float* attention = net.attention + block * net.attended * kLanes;
  for (int i = 0; i < net.attended; ++i) __builtin_prefetch(attention + i * kLanes, 0, 2);
}

/// What is at rest where sixteen Gaussians are.
struct RestBlock {
  const float *means, *frames;
};

/// Means and frames R(q) diag(scale) of one block of the network, from its y [C, 16].
inline void move_block(const PointNetwork& net, std::ptrdiff_t block, const RestBlock& rest, const float* y,
                       Floats strength, float* means, float* frames) {
  const int left = net.count - static_cast<int>(block) * kLanes;
  const Mask mine = lanes_below(left < kLanes ? left : kLanes);
  const auto added = [&](int at, int c, const float* to) {
    const Floats before = load(to + c * kLanes);
    return at < 0 ? before : fma(strength, load(y + (at + c) * kLanes), before);
  };
  for (int c = 0; c < 3; ++c) {
    const Floats mean = added(net.means_at, c, rest.means);
    store(means + c * kLanes, select(mine, mean, load(rest.means + c * kLanes)));
  }
  if (!net.turns()) return;
  Floats q[4];
  for (int c = 0; c < 4; ++c) q[c] = added(net.quats_at, c, net.quats + block * 4 * kLanes);
  Floats turn[9];
  rotation(q, turn);
  for (int c = 0; c < 3; ++c) {
    const Floats scale = activated(net.activation, added(net.scales_at, c, net.scales + block * 3 * kLanes));
    for (int row = 0; row < 3; ++row) {
      const int at = (row * 3 + c) * kLanes;
      store(frames + at, select(mine, turn[row * 3 + c] * scale, load(rest.frames + at)));
    }
  }
}

/// Where moved blocks go, one behind the other: means [kTogether, 3, 16] and frames [kTogether, 9, 16], which
/// are written where the network turns or scales.
struct MovedBlocks {
  float* means;
  float* frames;
};

/// Moves blocks [block, block + count) of the avatar, all of `net`; count is 1 to kTogether.
[[gnu::noinline]] inline void move_blocks(const Splats& rest, const PointNetwork& net,
                                          const NetworkInput& input, int block, int count,
                                          const MovedBlocks& out) {
  constexpr int kHidden = kMaxNetworkWidth * kLanes;
  alignas(64) float values[2][kTogether * kHidden];
  int widest = 0;
  for (int i = 0; i <= net.layers; ++i) widest = net.widths[i] > widest ? net.widths[i] : widest;
  BlockValues x{}, next{};
  for (int k = 0; k < kTogether; ++k) {
    x.of[k] = values[0] + k * widest * kLanes;
    next.of[k] = values[1] + k * widest * kLanes;
  }
  const std::ptrdiff_t own = block - net.first_block;
  const BlockValues still = constants(net.still, net.widths[0], own, count);
  if (net.attended > 0) {
    dense<Activation::relu>(constants(net.attention, net.attended, own, count), net.attended, input.mix,
                            net.widths[0], &still, x);
  } else {
    for (int k = 0; k < kTogether; ++k) {
      for (int i = 0; i < net.widths[0]; ++i) {
        const Floats sum = load(still.of[k] + i * kLanes) + Floats(input.mix[i]);
        store(x.of[k] + i * kLanes, max(sum, Floats(0.0f)));
      }
    }
  }
  for (int k = 0; k < kTogether; ++k) prefetch_constants(net, own + kTogether + k);
  for (int i = 0; i < net.layers; ++i) {
    if (i + 1 < net.layers) {
      dense<Activation::relu>(x, net.widths[i], net.weights[i], net.widths[i + 1], nullptr, next);
    } else {
      dense<Activation::none>(x, net.widths[i], net.weights[i], net.widths[i + 1], nullptr, next);
    }
    const BlockValues made = next;
    next = x;
    x = made;
  }
  for (int k = 0; k < count; ++k) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(block + k) * kLanes;
    move_block(net, own + k, {rest.means + first * 3, rest.frames + first * 9}, x.of[k],
               Floats(input.strength), out.means + k * 3 * kLanes, out.frames + k * 9 * kLanes);
  }
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
