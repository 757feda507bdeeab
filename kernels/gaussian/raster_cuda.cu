// SPDX-License-Identifier: Apache-2.0
//
// The two launches.
#include <stdexcept>
#include <string>

#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/kernels_cuda.hpp"
#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian {
namespace {

constexpr int kMaxViews = 65535;  // grid.y

}  // namespace

int rasterize_cuda(const CudaView* views, int view_count, const CudaGrid& grid, bool overlap,
                   CUstream_st* stream) {
  if (view_count < 1 || view_count > kMaxViews) {
    throw std::invalid_argument("rasterize_cuda: view_count is " + std::to_string(view_count) +
                                ", expected 1 to " + std::to_string(kMaxViews));
  }
  const auto groups = static_cast<unsigned>(grid.groups), tiles = static_cast<unsigned>(grid.tiles),
             rows = static_cast<unsigned>(view_count);
  if (groups > 0) {
    const auto error =
        talkrt::cuda::launch({{groups, rows, 1}, {kProjectThreads, 1, 1}, stream}, cuda::project_bin, views);
    if (error != cudaSuccess) return static_cast<int>(error);
  }
  return static_cast<int>(talkrt::cuda::launch(
      {{tiles, rows, 1}, {cuda::kBlendThreads, 1, 1}, stream, overlap}, cuda::sort_blend, views));
}

}  // namespace talkrt::gaussian
