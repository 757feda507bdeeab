// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/cuda/draw_size.hpp"

namespace talkrt::cuda {
namespace {

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

/// Joints begin on 16 bytes.
int pose_floats(int shapes, int joints) { return (shapes + 3) / 4 * 4 + joints * 12; }

DrawSize DrawSize::of(const Job& job) {
  const gaussian::CudaView& view = job.view;
  DrawSize out{{gaussian::groups_of_threads(view.rig.rest.count), view.camera.tiles_x * view.camera.tiles_y},
               job.joint_matrices != nullptr ? pose_floats(view.rig.shapes, view.rig.joints) : 0,
               {}};
  out.avatar.grows = view.target.light != nullptr;
  if (const Recorded* recorded = job.recorded) {
    if (recorded->layers_count > 0) out.avatar.layers_rows = recorded->layers_rows;
    if (recorded->attention_count > 0) out.avatar.attention_rows = recorded->attention_rows;
    out.avatar.takes_in = recorded->in.bytes > 0;
    out.avatar.composes = recorded->composes;
    out.avatar.lays_under = recorded->lays_under;
  }
  return out;
}

bool DrawSize::covers(const DrawSize& wanted) const {
  return grid.groups >= wanted.grid.groups && grid.tiles >= wanted.grid.tiles && pose >= wanted.pose &&
         avatar.covers(wanted.avatar);
}

DrawSize DrawSize::with(const DrawSize& other) const {
  return {{std::max(grid.groups, other.grid.groups), std::max(grid.tiles, other.grid.tiles)},
          std::max(pose, other.pose),
          avatar.with(other.avatar)};
}

Staging::Staging(const DrawSize& size, int views)
    : avatars(aligned(static_cast<std::size_t>(views) * sizeof(gaussian::CudaView))),
      avatar(avatars + aligned(sizeof(gaussian::CudaAvatars))),
      poses(size.avatar.any()
                ? avatar + aligned(static_cast<std::size_t>(views) * sizeof(gaussian::CudaAvatar))
                : avatars),
      pose(static_cast<std::size_t>(size.pose) * sizeof(float)),
      bytes(aligned(poses + static_cast<std::size_t>(views) * pose)) {}

}  // namespace talkrt::cuda
