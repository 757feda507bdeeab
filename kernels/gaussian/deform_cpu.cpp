// SPDX-License-Identifier: Apache-2.0
//
// Poses a whole avatar into arrays, for whoever wants to look at it more than once.
#include "kernels/gaussian/pose_block.hpp"
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kBlocksPerTask = 64;

}  // namespace

void deform(const RigView& rig, const Pose& pose, const PosedSplats& out, Executor& executor) {
  const int blocks = blocks_of(rig.rest.count);
  const std::ptrdiff_t sh_stride = 3 * sh_bases(rig.rest.sh_degree) * kBlock;
  executor.for_each((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
    const int end = (task + 1) * kBlocksPerTask < blocks ? (task + 1) * kBlocksPerTask : blocks;
    for (std::ptrdiff_t b = task * kBlocksPerTask; b < end; ++b) {
      pose_block(rig, pose, static_cast<int>(b),
                 {out.means + b * 3 * kBlock, out.frames + b * 9 * kBlock, out.opacities + b * kBlock,
                  out.sh + b * sh_stride});
    }
  });
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
