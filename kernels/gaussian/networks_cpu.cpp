// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/network_blocks.hpp"
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kBlocksPerTask = 32;

}  // namespace

void move(const Splats& rest, const Movement& movement, const PosedSplats& out, Executor& executor) {
  for (int n = 0; n < movement.count; ++n) {
    const PointNetwork& net = movement.networks[n];
    const int blocks = net.blocks();
    executor.for_each((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
      const int begin = task * kBlocksPerTask;
      const int end = begin + kBlocksPerTask < blocks ? begin + kBlocksPerTask : blocks;
      for (int b = begin; b < end; b += kTogether) {
        const std::ptrdiff_t block = net.first_block + b;
        const int count = end - b < kTogether ? end - b : kTogether;
        move_blocks(rest, net, movement.inputs[n], static_cast<int>(block), count,
                    {out.means + block * 3 * kLanes, out.frames + block * 9 * kLanes});
      }
    });
  }
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
