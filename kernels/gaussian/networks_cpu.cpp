// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/attention_blocks.hpp"
#include "kernels/gaussian/network_blocks.hpp"
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

constexpr int kBlocksPerTask = 32;

/// Calls move(block of the avatar, blocks) for all of a network's blocks, at most `together` at a time.
template <class Network, class Move>
void for_blocks(const Network& net, int together, Executor& executor, const Move& move) {
  const int blocks = net.blocks();
  executor.for_each((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
    const int begin = task * kBlocksPerTask;
    const int end = begin + kBlocksPerTask < blocks ? begin + kBlocksPerTask : blocks;
    for (int b = begin; b < end; b += together) {
      move(net.first_block + b, end - b < together ? end - b : together);
    }
  });
}

}  // namespace

void move(const Splats& rest, const Movement& movement, const PosedSplats& out, Executor& executor) {
  for (int n = 0; n < movement.count; ++n) {
    const PointNetwork& net = movement.networks[n];
    for_blocks(net, kTogether, executor, [&](int block, int count) {
      const std::ptrdiff_t first = std::ptrdiff_t{block} * kBlock;
      move_blocks(rest, net, movement.inputs[n], block, count,
                  {out.means + first * 3, out.frames + first * 9});
    });
  }
  const std::ptrdiff_t colors = 3 * sh_bases(rest.sh_degree);
  for (int n = 0; n < movement.attention_count; ++n) {
    const AttentionNetwork& net = movement.attentions[n];
    for_blocks(net, kMostTogether, executor, [&](int block, int count) {
      const std::ptrdiff_t first = std::ptrdiff_t{block} * kBlock;
      attend(rest, net, movement.attention_inputs[n], block, count,
             {out.means + first * 3, out.frames + first * 9, out.opacities + first, out.sh + first * colors});
    });
  }
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
