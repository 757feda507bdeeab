// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/gaussian/scene.hpp"

#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {

using namespace gaussian;

Aligned<float> pack(const std::vector<float>& values, int count, int channels) {
  Aligned<float> out(static_cast<std::size_t>(blocks_of(count)) * channels * kBlock, 0.0f);
  for (int i = 0; i < count; ++i) {
    for (int c = 0; c < channels; ++c) {
      const auto at = (static_cast<std::size_t>(i / kBlock) * channels + c) * kBlock + i % kBlock;
      out[at] = values[static_cast<std::size_t>(i) * channels + c];
    }
  }
  return out;
}

PackedScene::PackedScene(const Scene& scene)
    : means_(pack(scene.means, scene.count, 3)),
      frames_(pack(scene.frames, scene.count, 9)),
      opacities_(pack(scene.opacities, scene.count, 1)),
      sh_(pack(scene.sh, scene.count, 3 * sh_bases(scene.sh_degree))),
      layers_(scene.layers.begin(), scene.layers.end()) {
  layers_.resize(layers_.empty() ? 0 : static_cast<std::size_t>(blocks_of(scene.count)) * kBlock);
  splats_ = {scene.count,
             scene.sh_degree,
             means_.data(),
             frames_.data(),
             opacities_.data(),
             sh_.data(),
             layers_.empty() ? nullptr : layers_.data()};
}

Picture render(const Scene& scene, int workers) {
  const PackedScene packed(scene);
  Workers pool(workers);
  Picture picture;
  picture.width = scene.camera.width;
  picture.height = scene.camera.height;
  const std::size_t pixels = static_cast<std::size_t>(picture.width) * picture.height;
  picture.rgba.resize(pixels * 4);
  picture.depth.resize(pixels);
  picture.rgba8.resize(pixels * 4);
  const Target target{picture.rgba8.data(), static_cast<std::int64_t>(picture.width) * 4, picture.rgba.data(),
                      picture.depth.data()};
  RasterLimits limits{scene.count, picture.width, picture.height, workers, 4096};
  for (int attempt = 0; attempt < 2 && !picture.stats.complete; ++attempt) {
    Aligned<std::byte> scratch(raster_scratch_bytes(limits));
    picture.stats = rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(), target,
                                  limits, scratch.data(), pool);
    limits.intersections = picture.stats.intersections;
  }
  return picture;
}

}  // namespace talkrt::testing
