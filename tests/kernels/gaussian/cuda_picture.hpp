// SPDX-License-Identifier: Apache-2.0
//
// Scenes through the CUDA kernels, on whatever `rasterize_cuda` runs here.
#pragma once

#include "kernels/gaussian/raster_cuda.hpp"
#include "tests/kernels/gaussian/random_rig.hpp"
#include "tests/kernels/gaussian/scene.hpp"

namespace talkrt::testing {

struct CudaPicture {
  int width = 0, height = 0;
  std::vector<float> rgba;                 // [H, W, 4]
  std::vector<float> depth;                // [H, W]
  std::vector<std::uint8_t> rgba8;         // [H, W, 4]
  std::vector<std::uint8_t> luma, chroma;  // NV12
  gaussian::CudaStats stats;
};

/// Renders every output.
CudaPicture cuda_render(const Scene& scene, int bin_capacity = 1024);

/// All scenes in the same two launches.
std::vector<CudaPicture> cuda_render_batch(const std::vector<Scene>& scenes, int bin_capacity = 1024);

/// The rig in its pose, as `scene` says but for the Gaussians.
CudaPicture cuda_render_rig(const Rig& rig, const Scene& scene);

bool same(const CudaPicture& a, const CudaPicture& b);

/// For the comparison with the reference; `complete`, because every frame of these kernels is.
Picture as_picture(const CudaPicture& from);

/// Over all pixels, colour and alpha.
double psnr(const CudaPicture& found, const ReferencePicture& expected);

}  // namespace talkrt::testing
