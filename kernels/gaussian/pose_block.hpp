// SPDX-License-Identifier: Apache-2.0
//
// Poses sixteen Gaussians: 16 channels of deltas, then the blended joint matrix.
//
// Cost for a block: 512 bytes and 16 multiply-adds for each active entry, 13 loads and about 50 operations
// for the skin, 12 multiply-adds for each joint that some lane uses. A resting shape costs one look at its
// weight.
#pragma once

#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr float kInverseC0 = 3.5449077018110318f;  // 1 / 0.28209479177387814, the SH basis of degree 0

/// Adds the block's active shapes to `value` (mean 3, frame 9, colour 3, opacity 1).
inline void add_shapes(const RigView& rig, const Pose& pose, std::uint32_t begin, std::uint32_t end,
                       Floats* value) {
  for (std::uint32_t e = begin; e < end; ++e) {
    const float weight = pose.shape_weights[rig.entry_shapes[e]];
    if (weight == 0.0f) continue;
    const std::uint16_t* deltas = rig.deltas + static_cast<std::ptrdiff_t>(e) * kDeltaChannels * kBlock;
    for (int c = 0; c < kDeltaChannels; ++c) {
      value[c] = fma(load_halves(deltas + c * kBlock), Floats(weight), value[c]);
    }
  }
}

/// Blends the joints' matrices: row-major 3x4 for each lane.
inline void blend_joints(const RigView& rig, const Pose& pose, int block, Floats* matrix) {
  for (int i = 0; i < 12; ++i) matrix[i] = Floats(0.0f);
  for (unsigned left = rig.joint_masks[block]; left != 0; left &= left - 1) {
    const int joint = __builtin_ctz(left);
    if (joint >= rig.joints) break;
    const Floats weight =
        load_halves(rig.joint_weights + (static_cast<std::ptrdiff_t>(block) * rig.joints + joint) * kBlock);
    for (int i = 0; i < 12; ++i) {
      matrix[i] = fma(weight, Floats(pose.joint_matrices[joint * 12 + i]), matrix[i]);
    }
  }
}

/// Where one posed block goes.
struct PosedBlock {
  float* means;      // [3, 16]
  float* frames;     // [9, 16]
  float* opacities;  // [16]
  float* color;      // [3, 16], SH degree 0
};

inline void pose_block(const RigView& rig, const Pose& pose, int b, const PosedBlock& out) {
  const std::ptrdiff_t block = b;
  const float* color = rig.rest.sh + block * 3 * sh_bases(rig.rest.sh_degree) * kBlock;
  Floats value[kDeltaChannels];
  for (int c = 0; c < 3; ++c) value[c] = load(rig.rest.means + (block * 3 + c) * kBlock);
  for (int c = 0; c < 9; ++c) value[3 + c] = load(rig.rest.frames + (block * 9 + c) * kBlock);
  for (int c = 0; c < 3; ++c) value[12 + c] = Floats(0.0f);
  value[15] = load(rig.rest.opacities + block * kBlock);
  add_shapes(rig, pose, rig.block_entries[b], rig.block_entries[b + 1], value);

  Floats a[12];
  blend_joints(rig, pose, b, a);
  for (int row = 0; row < 3; ++row) {
    const Floats* m = a + 4 * row;
    store(out.means + row * kBlock, fma(m[0], value[0], fma(m[1], value[1], fma(m[2], value[2], m[3]))));
    for (int column = 0; column < 3; ++column) {
      const Floats axis =
          fma(m[0], value[3 + column], fma(m[1], value[6 + column], m[2] * value[9 + column]));
      store(out.frames + (row * 3 + column) * kBlock, axis);
    }
  }
  for (int c = 0; c < 3; ++c) {
    store(out.color + c * kBlock, fma(value[12 + c], Floats(kInverseC0), load(color + c * kBlock)));
  }
  store(out.opacities, clamp(value[15], Floats(0.0f), Floats(1.0f)));
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
