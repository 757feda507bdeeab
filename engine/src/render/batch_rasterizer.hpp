// SPDX-License-Identifier: Apache-2.0
//
// Any Gaussians from any cameras, with no avatar, session or plan: packs, sizes the memory, draws camera by
// camera. All memory is taken for the call and given back at its end.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/executor.hpp"
#include "kernels/gaussian/pack.hpp"
#include "kernels/gaussian/projection.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

enum class DepthChannel { none, sum, expected };

struct BatchColors {
  const float* rows = nullptr;  // [N, D], [C, N, D] when per_camera, [N, stored bases, D] with sh_degree >= 0
  int channels = 0;             // D; 0 draws depth alone
  int sh_degree = gaussian::kPlainColors;
  int stored_bases = 1;
  bool per_camera = false;
};

struct BatchCameras {
  int count = 0;                       // C
  int width = 0, height = 0;           // H, W
  const float* viewmats = nullptr;     // [C, 4, 4]
  const float* Ks = nullptr;           // [C, 3, 3]
  const float* backgrounds = nullptr;  // [C, D] or null for zeros
};

/// `projection` points at the first camera's rows; camera c begins c * N rows behind.
struct BatchOutput {
  float* pictures = nullptr;  // [C, H, W, D], and the depth as one channel more when there is one
  float* alphas = nullptr;    // [C, H, W, 1]
  gaussian::Projection projection;
  std::int64_t* invalid = nullptr;  // [C] Gaussians dropped: broken numbers, or beyond what fp32 can project
};

/// Calls `before_camera` first for each camera; what it throws ends the batch. Throws OUT_OF_MEMORY when the
/// lists of tiles need more than the machine has, before they are allocated.
void rasterize_batch(const gaussian::Shapes& shapes, const BatchColors& colors, const BatchCameras& cameras,
                     DepthChannel depth, const gaussian::RasterOptions& options, const BatchOutput& out,
                     Executor& executor, const std::function<void()>& before_camera);

}  // namespace talkrt::render
