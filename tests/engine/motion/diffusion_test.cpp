// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/diffusion.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "engine/src/motion/window_noise.hpp"

namespace talkrt::motion {
namespace {

TEST(Diffusion, the_cosine_schedule_has_its_published_levels) {
  const auto bars = cosine_alpha_bars(50);
  ASSERT_EQ(bars.size(), 51u);
  EXPECT_EQ(bars[0], 1.0);
  EXPECT_NEAR(bars[1], 0.998253, 1e-6);
  EXPECT_NEAR(bars[25], 0.493844, 1e-6);
  EXPECT_NEAR(bars[49], 9.71e-4, 1e-6);
  EXPECT_NEAR(bars[50], 1e-6, 1e-7);
}

TEST(Diffusion, seven_steps_of_fifty_are_the_exporters) {
  // export/vasa1/diffusion.py: reverse(cosine(50), times(50, 7), 0.5)
  constexpr std::array<DiffusionStep, 7> expected{{
      {50, 0.8454971089257312, 0.21562320421666517, 0.4881413167830267},
      {43, 0.8336664045821661, 0.24219864763578802, 0.3986595774918192},
      {36, 0.8033728403981208, 0.26926231937678424, 0.31501709514203025},
      {29, 0.7485258129651792, 0.3103949195875002, 0.2458954043912964},
      {22, 0.66068499338193, 0.3809263661887432, 0.18104168706386478},
      {15, 0.5059694731815181, 0.5171656099760604, 0.110861532722142},
      {8, 0.0, 1.0, 0.0},
  }};
  const auto found = reverse_steps(cosine_alpha_bars(50), 7, 0.5);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].t, expected[i].t);
    EXPECT_NEAR(found[i].keep, expected[i].keep, 1e-12);
    EXPECT_NEAR(found[i].clean, expected[i].clean, 1e-12);
    EXPECT_NEAR(found[i].noise, expected[i].noise, 1e-12);
  }
}

TEST(Diffusion, noise_is_the_exporters_number_for_number) {
  // export/vasa1/noise.py
  const auto expect = [](std::uint64_t seed, std::int64_t window, int step, std::array<float, 3> numbers) {
    std::array<float, 3> found{};
    window_noise(seed, window, step, found);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], numbers[i], 1e-6f);
  };
  expect(7, 3, 50, {0.816313f, 0.27051932f, -0.4483329f});
  expect(1, 0, 0, {0.02172851f, 0.5907614f, 0.9667314f});
}

}  // namespace
}  // namespace talkrt::motion
