// SPDX-License-Identifier: Apache-2.0
//
// Random scenes against the float64 scalar renderer, over the options.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "tests/kernels/gaussian/compare.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"

namespace talkrt::testing {
namespace {

struct Case {
  const char* name;
  int count, width, height;
  int sh_degree = 0;
  bool antialias = false, layers = false;
  gaussian::Backdrop backdrop = gaussian::Backdrop::color;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
};

class RandomScene : public KernelTest, public ::testing::WithParamInterface<Case> {};

TEST_P(RandomScene, matches_the_scalar_reference) {
  const Case& c = GetParam();
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene = random_scene(c.count, c.width, c.height, seed, c.sh_degree, c.layers);
    scene.options.antialias = c.antialias;
    scene.backdrop = c.backdrop;
    scene.color[0] = 0.9f;
    scene.color[2] = 0.3f;
    if (c.backdrop == gaussian::Backdrop::image) {
      scene.image.resize(static_cast<std::size_t>(c.width) * c.height * 3);
      for (std::size_t i = 0; i < scene.image.size(); ++i) scene.image[i] = static_cast<std::uint8_t>(i * 37);
    }
    expect_close(render(scene, 2), render_reference(scene));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , RandomScene,
    ::testing::Values(Case{"plain", 400, 128, 96}, Case{"dense", 4000, 96, 64}, Case{"one_pixel", 200, 1, 1},
                      Case{"thin_image", 300, 200, 3}, Case{"tall_image", 300, 5, 131},
                      Case{"odd_sides", 500, 61, 47}, Case{"sh_degree_1", 300, 64, 64, 1},
                      Case{"sh_degree_2", 300, 64, 64, 2}, Case{"sh_degree_3", 300, 64, 64, 3},
                      Case{"antialias", 600, 80, 80, 0, true}, Case{"layers", 600, 80, 80, 0, false, true},
                      Case{"over_an_image", 200, 75, 50, 0, false, false, gaussian::Backdrop::image},
                      Case{"transparent", 200, 75, 50, 0, false, false, gaussian::Backdrop::transparent},
                      Case{"everything", 3000, 133, 77, 3, true, true, gaussian::Backdrop::image}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace talkrt::testing
