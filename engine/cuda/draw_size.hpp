// SPDX-License-Identifier: Apache-2.0
//
// How large the views of a draw are, at most, and how what is copied to the GPU for it lies there.
#pragma once

#include "engine/cuda/module.hpp"

namespace talkrt::cuda {

/// Of one view's weights and joints.
int pose_floats(int shapes, int joints);

struct DrawSize {
  gaussian::CudaGrid grid;
  int pose = 0;  // floats
  gaussian::CudaAvatarLimits avatar;

  /// What a draw of this job alone needs.
  static DrawSize of(const Job& job);
  /// Whether a draw made for this serves `wanted`.
  [[nodiscard]] bool covers(const DrawSize& wanted) const;
  /// What both need.
  [[nodiscard]] DrawSize with(const DrawSize& other) const;
};

/// All views; where there are avatars, a gaussian::CudaAvatars and what it lists; then each view's weights
/// and joints.
struct Staging {
  std::size_t avatars, avatar, poses, pose, bytes;  // where parts begin; bytes of one pose, and of all
  Staging(const DrawSize& size, int views);
};

}  // namespace talkrt::cuda
