// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/scene.hpp"

namespace talkrt::gaussian {

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

}  // namespace talkrt::gaussian
