// SPDX-License-Identifier: Apache-2.0
//
// Made-up heads through the CUDA kernels that move Gaussians.
#pragma once

#include <gtest/gtest.h>

#include "kernels/gaussian/avatar_cuda.hpp"
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
  std::size_t rows = 0;
  for (int i = 0; i < 2; ++i) {
    jobs.push_back({rest, head.networks[i], head.inputs[i], to});
    rows = std::max(rows, move_rows_of(head.networks[i]));
  }
  jobs.emplace_back();              // nothing to do
  gaussian::CudaAvatar avatars[2];  // the first has no networks
  avatars[1].layers = jobs.data();
  avatars[1].layers_count = 3;
  const gaussian::CudaAvatars all{avatars, 2};
  EXPECT_EQ(move_layers_cuda(&all, rows, {2, shared_bytes}, nullptr), 0);
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
  gaussian::CudaAvatar avatar;
  avatar.attention = &job;
  avatar.attention_count = 1;
  const gaussian::CudaAvatars all{&avatar, 1};
  EXPECT_EQ(move_attention_cuda(&all, move_rows_of(head.net.view), {1, shared_bytes}, nullptr), 0);
  return out;
}

}  // namespace talkrt::testing
