// SPDX-License-Identifier: Apache-2.0
//
// render_scene SCENE OUT: renders a scene file that the Python tests wrote and writes the raw outputs, so
// that the kernels can be compared with the NumPy oracle without any binding in between.
//
// SCENE, little-endian: int32 {magic, count, sh_degree, width, height, antialias, backdrop, workers},
// float32 {near, far, color[3], viewmat[16], K[9]}, float32 means [N,3], frames [N,9], opacities [N],
// sh [N,B,3], uint8 layers [N], then the picture uint8 [H,W,3] when the backdrop is 1 (an image).
// OUT: uint64 {visible, intersections, invalid}, float32 rgba [H,W,4], float32 depth [H,W], uint8 rgba
// [H,W,4].
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/kernels/gaussian/scene.hpp"

namespace {

using talkrt::testing::Picture;
using talkrt::testing::Scene;
namespace gaussian = talkrt::gaussian;

constexpr std::int32_t kMagic = 0x53524b54;  // "TKRS"

template <class T>
void read(std::istream& in, T* to, std::size_t count, const char* what) {
  in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(count * sizeof(T)));
  if (!in) throw std::runtime_error(std::string("the scene ends within ") + what);
}

template <class T>
void write(std::ostream& out, const T* from, std::size_t count) {
  out.write(reinterpret_cast<const char*>(from), static_cast<std::streamsize>(count * sizeof(T)));
}

Scene load_scene(const char* path, int& workers) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(std::string("cannot open ") + path);
  std::int32_t head[8];
  float numbers[5];
  read(in, head, 8, "the header");
  if (head[0] != kMagic) throw std::runtime_error(std::string(path) + " is not a scene file");
  Scene scene;
  scene.count = head[1];
  scene.sh_degree = head[2];
  scene.camera.width = head[3];
  scene.camera.height = head[4];
  scene.options.antialias = head[5] != 0;
  scene.backdrop = static_cast<gaussian::Backdrop>(head[6]);
  workers = head[7];
  read(in, numbers, 5, "the header");
  scene.options.near_plane = numbers[0];
  scene.options.far_plane = numbers[1];
  for (int c = 0; c < 3; ++c) scene.color[c] = numbers[2 + c];
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: render_scene SCENE OUT\n";
    return 2;
  }
  try {
    const char* path = gaussian::cpu_path();  // first, so that a wrong TALKRT_CPU is what is complained about
    int workers = 1;
    const Scene scene = load_scene(argv[1], workers);
    const Picture picture = talkrt::testing::render(scene, workers);
    std::ofstream out(argv[2], std::ios::binary);
    const std::uint64_t stats[3] = {picture.stats.visible, picture.stats.intersections,
                                    picture.stats.invalid};
    write(out, stats, 3);
    write(out, picture.rgba.data(), picture.rgba.size());
    write(out, picture.depth.data(), picture.depth.size());
    write(out, picture.rgba8.data(), picture.rgba8.size());
    if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + argv[2]);
    std::cout << path << "\n";
  } catch (const std::exception& error) {
    std::cerr << "render_scene: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
