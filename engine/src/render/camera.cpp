// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/camera.hpp"

#include <algorithm>

namespace talkrt::render {

gaussian::Camera scaled_camera(const plan::Manifest& manifest, int width, int height) {
  const plan::Gaussian& spec = *manifest.gaussian;
  gaussian::Camera camera;
  camera.width = width;
  camera.height = height;
  std::copy(spec.camera.viewmat.begin(), spec.camera.viewmat.end(), camera.viewmat);
  std::copy(spec.camera.K.begin(), spec.camera.K.end(), camera.K);
  if (width == manifest.width && height == manifest.height) return camera;
  const float scale = static_cast<float>(height) / static_cast<float>(manifest.height);
  const float half_before = 0.5f * static_cast<float>(manifest.width);
  camera.K[0] = spec.camera.K[0] * scale;
  camera.K[2] = 0.5f * static_cast<float>(width) + (spec.camera.K[2] - half_before) * scale;
  camera.K[4] = spec.camera.K[4] * scale;
  camera.K[5] = spec.camera.K[5] * scale;
  return camera;
}

gaussian::Camera dollied(gaussian::Camera camera, float distance) {
  camera.viewmat[11] *= distance;  // z of the head's origin, seen from the camera
  return camera;
}

}  // namespace talkrt::render
