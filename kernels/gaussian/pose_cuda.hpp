// SPDX-License-Identifier: Apache-2.0
//
// One Gaussian of a rig, posed: what pose_block.hpp does for sixteen, in the same order of operations.
#pragma once

#include <cuda_fp16.h>

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr float kInverseC0 = 3.5449077018110318f;  // 1 / 0.28209479177387814, the SH basis of degree 0

struct Posed {
  float mean[3], frame[9], color[3], opacity;
};

__device__ __forceinline__ float from_half(std::uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

__device__ inline Posed at_rest(const Splats& rest, std::ptrdiff_t block, int lane) {
  Posed g;
  for (int c = 0; c < 3; ++c) g.mean[c] = rest.means[(block * 3 + c) * kBlock + lane];
  for (int c = 0; c < 9; ++c) g.frame[c] = rest.frames[(block * 9 + c) * kBlock + lane];
  const int bases = rest.sh_degree == kPlainColors ? 1 : (rest.sh_degree + 1) * (rest.sh_degree + 1);
  for (int c = 0; c < 3; ++c) g.color[c] = rest.sh[(block * 3 * bases + c) * kBlock + lane];
  g.opacity = rest.opacities[block * kBlock + lane];
  return g;
}

__device__ inline Posed pose(const RigView& rig, const Pose& pose, std::ptrdiff_t block, int lane) {
  Posed g = at_rest(rig.rest, block, lane);
  float color[3] = {0, 0, 0};
  const std::uint32_t end = rig.block_entries[block + 1];
  std::uint32_t e = rig.block_entries[block];
  std::uint16_t next = e < end ? rig.entry_shapes[e] : std::uint16_t{0};
  for (; e < end; ++e) {
    const float weight = pose.shape_weights[next];
    if (e + 1 < end) next = rig.entry_shapes[e + 1];  // on its way meanwhile
    if (weight == 0.0f) continue;
    const std::uint16_t* deltas =
        rig.deltas + static_cast<std::ptrdiff_t>(e) * kDeltaChannels * kBlock + lane;
    for (int c = 0; c < 3; ++c) g.mean[c] = fmaf(from_half(deltas[c * kBlock]), weight, g.mean[c]);
    for (int c = 0; c < 9; ++c) g.frame[c] = fmaf(from_half(deltas[(3 + c) * kBlock]), weight, g.frame[c]);
    for (int c = 0; c < 3; ++c) color[c] = fmaf(from_half(deltas[(12 + c) * kBlock]), weight, color[c]);
    g.opacity = fmaf(from_half(deltas[15 * kBlock]), weight, g.opacity);
  }
  float m[12];
  for (float& v : m) v = 0;
  for (unsigned left = rig.joint_masks[block]; left != 0; left &= left - 1) {
    const int joint = __ffs(static_cast<int>(left)) - 1;
    if (joint >= rig.joints) break;
    const float weight = from_half(rig.joint_weights[(block * rig.joints + joint) * kBlock + lane]);
    for (int i = 0; i < 12; ++i) m[i] = fmaf(weight, pose.joint_matrices[joint * 12 + i], m[i]);
  }
  Posed out;
  for (int row = 0; row < 3; ++row) {
    const float* a = m + 4 * row;
    out.mean[row] = fmaf(a[0], g.mean[0], fmaf(a[1], g.mean[1], fmaf(a[2], g.mean[2], a[3])));
    for (int c = 0; c < 3; ++c) {
      out.frame[3 * row + c] = fmaf(a[0], g.frame[c], fmaf(a[1], g.frame[3 + c], a[2] * g.frame[6 + c]));
    }
  }
  for (int c = 0; c < 3; ++c) out.color[c] = fmaf(color[c], kInverseC0, g.color[c]);
  out.opacity = g.opacity < 0.0f ? 0.0f : g.opacity > 1.0f ? 1.0f : g.opacity;  // NaN stays NaN
  return out;
}

}  // namespace talkrt::gaussian::cuda
