// SPDX-License-Identifier: Apache-2.0
//
// Seeded scenes in front of a camera at the origin that looks along +z.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "tests/kernels/gaussian/scene.hpp"

namespace talkrt::testing {

/// A camera of `width` x `height` pixels, 40 degrees wide, with the axis through the middle.
inline gaussian::Camera plain_camera(int width, int height) {
  gaussian::Camera camera;
  for (int i = 0; i < 4; ++i) camera.viewmat[5 * i] = 1;
  const float focal = 1.3737387f * static_cast<float>(std::max(width, height));
  camera.K[0] = camera.K[4] = focal;
  camera.K[2] = 0.5f * static_cast<float>(width);
  camera.K[5] = 0.5f * static_cast<float>(height);
  camera.K[8] = 1;
  camera.width = width;
  camera.height = height;
  return camera;
}

/// Row-major rotation from Euler angles, for frames and cameras alike.
inline std::array<float, 9> rotation(double a, double b, double c) {
  const double ca = std::cos(a), sa = std::sin(a), cb = std::cos(b), sb = std::sin(b), cc = std::cos(c),
               sc = std::sin(c);
  const double r[9] = {cb * cc,
                       sa * sb * cc - ca * sc,
                       ca * sb * cc + sa * sc,
                       cb * sc,
                       sa * sb * sc + ca * cc,
                       ca * sb * sc - sa * cc,
                       -sb,
                       sa * cb,
                       ca * cb};
  std::array<float, 9> out;
  for (int i = 0; i < 9; ++i) out[i] = static_cast<float>(r[i]);
  return out;
}

/// Adds a splat with the standard deviations `scale` along the columns of `turn`; colour through SH degree 0.
inline void add_splat(Scene& scene, std::array<float, 3> mean, std::array<float, 3> scale, float opacity,
                      std::array<float, 3> rgb, std::array<float, 9> turn = rotation(0, 0, 0),
                      int layer = 0) {
  scene.means.insert(scene.means.end(), mean.begin(), mean.end());
  for (int i = 0; i < 9; ++i) scene.frames.push_back(turn[i] * scale[i % 3]);
  scene.opacities.push_back(opacity);
  for (int k = 0; k < gaussian::sh_bases(scene.sh_degree); ++k) {
    for (int c = 0; c < 3; ++c) scene.sh.push_back(k == 0 ? (rgb[c] - 0.5f) / 0.28209479177387814f : 0.0f);
  }
  scene.layers.push_back(static_cast<std::uint8_t>(layer));
  ++scene.count;
}

/// `count` splats of mixed shape, size and opacity, some of them outside the view and behind the camera.
inline Scene random_scene(int count, int width, int height, unsigned seed, int sh_degree = 0,
                          bool layers = false) {
  std::mt19937 bits(seed);
  // The standard's distributions differ between libraries; this does not.
  const auto uniform = [&](double low, double high) { return low + (high - low) * (bits() * 0x1p-32); };
  Scene scene;
  scene.sh_degree = sh_degree;
  scene.camera = plain_camera(width, height);
  // A turned, shifted camera with the principal point off the middle.
  const auto turn = rotation(uniform(-0.2, 0.2), uniform(-0.2, 0.2), uniform(-3, 3));
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) scene.camera.viewmat[4 * r + c] = turn[3 * r + c];
    scene.camera.viewmat[4 * r + 3] = static_cast<float>(uniform(-0.1, 0.1));
  }
  scene.camera.viewmat[11] += 3;
  scene.camera.K[2] += static_cast<float>(uniform(-0.1, 0.1) * width);
  scene.camera.K[5] += static_cast<float>(uniform(-0.1, 0.1) * height);
  scene.camera.K[4] *= static_cast<float>(uniform(0.9, 1.1));
  for (int i = 0; i < count; ++i) {
    const bool stray = i % 16 == 0;
    const double reach = stray ? 8 : 1.2;
    const double size = std::exp(uniform(std::log(0.002), std::log(i % 10 == 0 ? 0.6 : 0.08)));
    std::array<float, 3> mean, scale, rgb;
    for (int c = 0; c < 3; ++c) {
      mean[c] = static_cast<float>(uniform(-reach, reach));
      scale[c] = static_cast<float>(size * std::exp(uniform(-3, 0)));
      rgb[c] = static_cast<float>(uniform(-0.1, 1.1));
    }
    add_splat(scene, mean, scale, static_cast<float>(std::pow(uniform(0, 1), 0.7)), rgb,
              rotation(uniform(-3, 3), uniform(-1.5, 1.5), uniform(-3, 3)),
              layers ? static_cast<int>(bits() % 2) : 0);
    float* sh = scene.sh.data() + static_cast<std::ptrdiff_t>(i) * gaussian::sh_bases(sh_degree) * 3;
    for (int k = 3; k < gaussian::sh_bases(sh_degree) * 3; ++k)
      sh[k] = static_cast<float>(uniform(-0.3, 0.3));
  }
  return scene;
}

}  // namespace talkrt::testing
