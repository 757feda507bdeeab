// SPDX-License-Identifier: Apache-2.0
//
// Poses a rigged avatar: sparse shape bases, then linear blend skinning. The maths is
// export/FORMAT.md section 4; the result is what rasterize.hpp takes.
#pragma once

#include <cstdint>

#include "kernels/executor.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::gaussian {

inline constexpr int kDeltaChannels = 16;  // mean 3, frame 9, colour 3, opacity 1
inline constexpr int kMaxJoints = 16;

/// The constant part of a rig, indexed by block so that one block's entries are adjacent: entries of
/// block b are [block_entries[b], block_entries[b + 1]), whatever order the plan stores.
struct RigView {
  Splats rest;                                   // the canonical Gaussians
  const std::uint32_t* block_entries = nullptr;  // [blocks + 1]
  const std::uint16_t* entry_shapes = nullptr;   // [E] shape of each entry
  const std::uint16_t* deltas = nullptr;         // [E, 16 channels, 16 lanes] IEEE half
  const std::uint16_t* joint_weights = nullptr;  // [blocks, joints, 16] IEEE half
  const std::uint16_t* joint_masks = nullptr;    // [blocks] bit j: some lane of the block uses joint j
  int joints = 0;
  int shapes = 0;
};

struct Pose {
  const float* shape_weights = nullptr;   // [shapes]
  const float* joint_matrices = nullptr;  // [joints, 12] row-major 3x4, rest to posed
};

/// Where a posed avatar goes. Higher SH bases are not deformed and stay with the rest arrays.
struct PosedSplats {
  float* means = nullptr;      // [blocks, 3, 16]
  float* frames = nullptr;     // [blocks, 9, 16]
  float* opacities = nullptr;  // [blocks, 1, 16]
  float* sh = nullptr;         // [blocks, 3 * B, 16]; on entry a copy of rest.sh, degree 0 is rewritten
};

void deform_cpu(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor);

}  // namespace talkrt::gaussian
