// SPDX-License-Identifier: Apache-2.0
//
// render_scene SCENE OUT: renders a scene file (scene_file.hpp) and writes the raw outputs, so that the
// kernels can be compared with the NumPy oracle without any binding in between.
//
// OUT: uint64 {visible, intersections, invalid}, float32 rgba [H,W,4], float32 depth [H,W], uint8 rgba
// [H,W,4].
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/kernels/gaussian/scene_file.hpp"

namespace {

using talkrt::testing::Picture;
using talkrt::testing::Scene;
namespace gaussian = talkrt::gaussian;

template <class T>
void write(std::ostream& out, const T* from, std::size_t count) {
  out.write(reinterpret_cast<const char*>(from), static_cast<std::streamsize>(count * sizeof(T)));
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
    const Scene scene = talkrt::testing::load_scene(argv[1], workers);
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
