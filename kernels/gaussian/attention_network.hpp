// SPDX-License-Identifier: Apache-2.0
//
// The network that moves a GaussianTalker avatar: every Gaussian attends to a few tokens that a frame makes,
// and a branch for each attribute follows. What depends on a Gaussian alone is a constant, what depends on
// the frame alone is made once. export/FORMAT.md, section 8.1, kind `attention`:
//
//   w = softmax of a head's scores x ask + offset and of a 0
//   a = x + w give,  v = a - mean(a),  r = 1 / sqrt(mean(v^2) + 1e-12),  u = v r
//   f = relu(r (hidden_i + w hide) + first_bias), in later layers relu(u first + first_bias)
//   x = norm_gain norm(f second + second_bias + gain u) + norm_bias
//   d = relu(relu(x) first + first_bias) second + second_bias, added to an attribute before its activation
//
// r is positive, so it leaves the relu, and a frame's `hide` gets first_bias as one more row:
//   r relu(hidden_i + w hide + first_bias / r) second + second_bias + gain u
#pragma once

#include "kernels/gaussian/point_network.hpp"

namespace talkrt::gaussian {

inline constexpr int kMaxAttentionLayers = 4;
inline constexpr int kMaxAttended = 32;

/// Weights [inputs, outputs] as the kernel reads them: [ceil(outputs / 8), inputs, 8], in the last part as
/// many outputs as are left.
inline constexpr int kPackedOutputs = 8;
void pack_weights(const float* rows, int inputs, int outputs, float* packed);

struct AttentionLayer {
  const float* first = nullptr;  // packed [width, hidden]; not looked at in layer 0
  const float* first_bias = nullptr;
  const float* second = nullptr;  // packed [hidden, width]
  const float* second_bias = nullptr;
  const float* gain = nullptr;
  const float* norm_gain = nullptr;
  const float* norm_bias = nullptr;
};

struct AttentionBranch {
  int width = 0;                 // 0: what it would move stays
  const float* first = nullptr;  // packed [network width, width]
  const float* first_bias = nullptr;
  const float* second = nullptr;  // packed [width, numbers]
  const float* second_bias = nullptr;
};

/// The constants of a network and of the Gaussians that it moves, which begin with a block of an avatar.
/// Arrays of blocks are 64-byte aligned; lanes past `count` may hold anything finite.
struct AttentionNetwork {
  int first_block = 0;
  int count = 0;  // of Gaussians; others may share the last block, and stay
  int layers = 1;
  int width = 0, hidden = 0;  // 1 to kMaxNetworkWidth
  int heads = 0, tokens = 0;  // heads * tokens at most kMaxAttended
  AttentionLayer layer[kMaxAttentionLayers];
  AttentionBranch move, turn, scale, fade, paint;  // of means, quats, scales, opacities, sh
  ScaleActivation activation = ScaleActivation::none;
  const float* still = nullptr;         // [blocks, width, 16]
  const float* hidden_still = nullptr;  // [blocks, hidden, 16]
  // Before their activations, where the branch is there; quats and scales also where one of them is.
  const float* quats = nullptr;      // [blocks, 4, 16] w first
  const float* scales = nullptr;     // [blocks, 3, 16]
  const float* opacities = nullptr;  // [blocks, 1, 16]

  [[nodiscard]] int blocks() const { return blocks_of(count); }
  [[nodiscard]] int attended() const { return heads * tokens; }
  [[nodiscard]] bool turns() const { return turn.width > 0 || scale.width > 0; }
};

/// What a frame feeds one network.
struct AttentionInput {
  const float* mix = nullptr;   // for each layer ask [width, A], offset [A], give [A, width]; A = attended()
  const float* hide = nullptr;  // [A + 1, hidden], its last row the first_bias of layer 0
  float strength = 1;           // of all d
};

}  // namespace talkrt::gaussian
