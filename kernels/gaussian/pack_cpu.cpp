// SPDX-License-Identifier: Apache-2.0
//
// In: 44 bytes and 4 D B of colour a Gaussian. Out: 52 and as much colour. Quaternions are normalised in
// float64, where no float32 length overflows or vanishes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gaussian/pack.hpp"

namespace talkrt::gaussian {
namespace {

constexpr int kBlocksPerTask = 256;

/// Calls body(block, gaussians in it) for all blocks.
template <class Body>
void for_blocks(int count, Executor& executor, Body body) {
  const int blocks = blocks_of(count);
  executor.for_each((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int task, int) {
    const int end = std::min((task + 1) * kBlocksPerTask, blocks);
    for (int b = task * kBlocksPerTask; b < end; ++b) body(b, std::min(count - b * kBlock, kBlock));
  });
}

/// Rotation times scale, row-major; lanes are kBlock floats apart.
void write_frame(const float* quat, const float* scale, float* to) {
  double w = quat[0], x = quat[1], y = quat[2], z = quat[3];
  const double inverse = 1 / std::sqrt(w * w + x * x + y * y + z * z);
  w *= inverse, x *= inverse, y *= inverse, z *= inverse;
  const double rotation[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                              2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                              2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  for (int i = 0; i < 9; ++i) to[i * kBlock] = static_cast<float>(rotation[i] * scale[i % 3]);
}

}  // namespace

void pack_shapes(const Shapes& from, float* means, float* frames, float* opacities, Executor& executor) {
  for_blocks(from.count, executor, [&](int b, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(b) * kBlock;
    float* mean = means + first * 3;
    float* frame = frames + first * 9;
    float* opacity = opacities + first;
    if (lanes < kBlock) {
      std::fill_n(mean, 3 * kBlock, 0.0f);
      std::fill_n(frame, 9 * kBlock, 0.0f);
      std::fill_n(opacity, kBlock, 0.0f);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const std::ptrdiff_t i = first + lane;
      for (int axis = 0; axis < 3; ++axis) mean[axis * kBlock + lane] = from.means[i * 3 + axis];
      write_frame(from.quats + i * 4, from.scales + i * 3, frame + lane);
      opacity[lane] = from.opacities[i];
    }
  });
}

void pack_colors(const ColorRows& from, float* sh, float* opacities, Executor& executor) {
  const int wanted = std::min(3, from.channels - from.first_channel);
  for_blocks(from.count, executor, [&](int b, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(b) * kBlock;
    float* to = sh + first * 3 * from.bases;
    if (lanes < kBlock || wanted < 3) std::fill_n(to, 3 * from.bases * kBlock, 0.0f);
    for (int lane = 0; lane < lanes; ++lane) {
      const float* row = from.rows + (first + lane) * from.stored_bases * from.channels;
      float broken = 0;  // NaN when some number is
      for (int k = 0; k < from.bases; ++k) {
        for (int c = 0; c < from.channels; ++c) broken += row[k * from.channels + c] * 0.0f;
        for (int c = 0; c < wanted; ++c) {
          to[(3 * k + c) * kBlock + lane] = row[k * from.channels + from.first_channel + c];
        }
      }
      if (broken != 0.0f) opacities[first + lane] = std::numeric_limits<float>::quiet_NaN();
    }
  });
}

}  // namespace talkrt::gaussian
