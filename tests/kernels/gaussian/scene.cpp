// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/gaussian/scene.hpp"

#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::testing {

using namespace gaussian;

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
