// SPDX-License-Identifier: Apache-2.0
//
// Made-up heads through the CUDA kernels that move Gaussians.
#pragma once

#include <gtest/gtest.h>

#include "kernels/gaussian/movement_cuda.hpp"
#include "tests/kernels/gaussian/attending_head.hpp"
#include "tests/kernels/gaussian/layered_head.hpp"

namespace talkrt::testing {

inline constexpr std::size_t kMuchShared =
    std::size_t{227} * 1024;  // of an H200; 64 Gaussians a block of threads

inline layered::Arrays moved_by_cuda(const layered::Head& head, const gaussian::PackedScene& packed,
                                     std::size_t shared_bytes = kMuchShared) {
  const gaussian::Splats& rest = packed.splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * gaussian::kBlock;
  layered::Arrays out{{rest.means, rest.means + 3 * lanes}, {rest.frames, rest.frames + 9 * lanes}};
  const gaussian::PosedSplats to{out.means.data(), out.frames.data(), nullptr, nullptr};
  std::vector<gaussian::CudaLayers> jobs;
  gaussian::CudaMoveGrid grid;
  for (int i = 0; i < 2; ++i) {
    jobs.push_back({rest, head.networks[i], head.inputs[i], to});
    grid = grid.with(move_grid_of(head.networks[i]));
  }
  jobs.emplace_back();  // nothing to do
  EXPECT_EQ(move_layers_cuda(jobs.data(), 3, grid, shared_bytes, nullptr), 0);
  return out;
}

inline attending::Arrays moved_by_cuda(const attending::Head& head, const gaussian::PackedScene& packed,
                                       std::size_t shared_bytes = kMuchShared) {
  const gaussian::Splats& rest = packed.splats();
  attending::Arrays out = attending::at_rest(rest);
  const gaussian::CudaAttention job{
      rest,
      head.net.view,
      head.input,
      {out.means.data(), out.frames.data(), out.opacities.data(), out.sh.data()}};
  EXPECT_EQ(move_attention_cuda(&job, 1, move_grid_of(head.net.view), shared_bytes, nullptr), 0);
  return out;
}

}  // namespace talkrt::testing
