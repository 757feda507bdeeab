// SPDX-License-Identifier: Apache-2.0
//
// A small network that every Gaussian of an avatar runs with the same weights, on features of its own that
// never change. What the first layer makes of those is a constant, so a frame brings one matrix (or, where
// nothing is attended to, one row) and the Gaussian is moved. export/FORMAT.md, section 8.1:
//
//   x = relu(still_i + attention_i mix)        mix [K, widths[0]]; K = 0: x = relu(still_i + mix)
//   x = relu(x W_0), x = relu(x W_1), ...      all layers but the last
//   y = x W_last
//   mean = rest + y[means..],  rotation = normalize(quat_i + y[quats..]),  scale = f(scale_i + y[scales..])
#pragma once

#include "kernels/gaussian/splats.hpp"

namespace talkrt::gaussian {

inline constexpr int kMaxNetworkWidth = 256;
inline constexpr int kMaxNetworkLayers = 7;

enum class ScaleActivation { none, softplus, exp };

/// The constants of a network and of the Gaussians that it moves, which begin with a block of an avatar.
/// Arrays are 64-byte aligned; lanes past `count` may hold anything finite.
struct PointNetwork {
  int first_block = 0;
  int count = 0;                                    // of Gaussians; others may share the last block, and stay
  int attended = 0;                                 // K, 0 to kMaxNetworkWidth
  int layers = 0;                                   // 1 to kMaxNetworkLayers
  int widths[kMaxNetworkLayers + 1] = {};           // each 1 to kMaxNetworkWidth
  const float* weights[kMaxNetworkLayers] = {};     // [widths[i], widths[i + 1]]
  int means_at = 0, quats_at = -1, scales_at = -1;  // in y; -1: not moved
  ScaleActivation activation = ScaleActivation::none;
  const float* still = nullptr;      // [blocks, widths[0], 16]
  const float* attention = nullptr;  // [blocks, K, 16]
  // Where rotation or scale moves, both of these:
  const float* quats = nullptr;   // [blocks, 4, 16] w first, before normalisation
  const float* scales = nullptr;  // [blocks, 3, 16] before the activation

  [[nodiscard]] int blocks() const { return blocks_of(count); }
  [[nodiscard]] bool turns() const { return quats_at >= 0 || scales_at >= 0; }
};

/// What a frame feeds one network.
struct NetworkInput {
  const float* mix = nullptr;  // [max(K, 1), widths[0]]
  float strength = 1;          // of y
};

}  // namespace talkrt::gaussian
