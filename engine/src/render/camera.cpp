// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/camera.hpp"

#include <algorithm>
#include <cmath>

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

void turn_about(gaussian::Camera& camera, const std::array<float, 3>& pivot, float yaw, float pitch,
                float roll) {
  if (yaw == 0 && pitch == 0 && roll == 0) return;  // then the camera stays what it was, bit for bit
  constexpr double kRadians = 0.017453292519943295;
  const double cx = std::cos(pitch * kRadians), sx = std::sin(pitch * kRadians),
               cy = std::cos(yaw * kRadians), sy = std::sin(yaw * kRadians), cz = std::cos(roll * kRadians),
               sz = std::sin(roll * kRadians);
  const double turn[9] = {cz * cy,
                          cz * sy * sx - sz * cx,
                          cz * sy * cx + sz * sx,
                          sz * cy,
                          sz * sy * sx + cz * cx,
                          sz * sy * cx - cz * sx,
                          -sy,
                          cy * sx,
                          cy * cx};
  for (std::size_t row = 0; row < 3; ++row) {
    float* v = camera.viewmat + 4 * row;
    double turned[3] = {}, shift = static_cast<double>(v[3]);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t k = 0; k < 3; ++k) turned[c] += static_cast<double>(v[k]) * turn[3 * k + c];
      shift += (static_cast<double>(v[c]) - turned[c]) * static_cast<double>(pivot[c]);
    }
    for (std::size_t c = 0; c < 3; ++c) v[c] = static_cast<float>(turned[c]);
    v[3] = static_cast<float>(shift);
  }
}

}  // namespace talkrt::render
