// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/gaussian/scene_file.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace talkrt::testing {
namespace {

constexpr std::int32_t kMagic = 0x53524b54;  // "TKRS"

template <class T>
void read(std::istream& in, T* to, std::size_t count, const char* what) {
  in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(count * sizeof(T)));
  if (!in) throw std::runtime_error(std::string("the scene ends within ") + what);
}

}  // namespace

Scene load_scene(const std::string& path, int& workers) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path);
  std::int32_t head[8];
  float numbers[7];
  read(in, head, 8, "the header");
  if (head[0] != kMagic) throw std::runtime_error(path + " is not a scene file");
  Scene scene;
  scene.count = head[1];
  scene.sh_degree = head[2];
  scene.camera.width = head[3];
  scene.camera.height = head[4];
  scene.options.antialias = (head[5] & 1) != 0;
  scene.options.convention = (head[5] & 2) != 0 ? gaussian::Convention::inria : gaussian::Convention::gsplat;
  scene.backdrop = static_cast<gaussian::Backdrop>(head[6]);
  workers = head[7];
  read(in, numbers, 7, "the header");
  scene.options.near_plane = numbers[0];
  scene.options.far_plane = numbers[1];
  scene.options.eps2d = numbers[2];
  scene.options.radius_clip = numbers[3];
  for (int c = 0; c < 3; ++c) scene.color[c] = numbers[4 + c];
  read(in, scene.camera.viewmat, 16, "viewmat");
  read(in, scene.camera.K, 9, "K");
  const auto n = static_cast<std::size_t>(scene.count);
  const auto floats = [&](std::vector<float>& to, std::size_t count, const char* what) {
    to.resize(count);
    read(in, to.data(), count, what);
  };
  floats(scene.means, n * 3, "means");
  floats(scene.frames, n * 9, "frames");
  floats(scene.opacities, n, "opacities");
  floats(scene.sh, n * 3 * static_cast<std::size_t>(gaussian::sh_bases(scene.sh_degree)), "sh");
  scene.layers.resize(n);
  read(in, scene.layers.data(), n, "layers");
  if (scene.backdrop == gaussian::Backdrop::image) {
    scene.image.resize(static_cast<std::size_t>(scene.camera.width) * scene.camera.height * 3);
    read(in, scene.image.data(), scene.image.size(), "the background picture");
  }
  return scene;
}

}  // namespace talkrt::testing
