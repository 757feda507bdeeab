// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/gaussian/scene.hpp"

namespace talkrt::testing {

/// Skips when TALKRT_CPU names a path that this machine cannot run.
class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      gaussian::cpu_path();
    } catch (const std::invalid_argument& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

/// Away from decisions that float32 cannot make reliably: 1e-4. There: what one flipped decision can change,
/// 0.01 of the colour (the stop rule), twice over.
inline void expect_close(const Picture& picture, const ReferencePicture& reference) {
  ASSERT_TRUE(picture.stats.complete);
  std::size_t boundary = 0;
  double worst = 0, worst_depth = 0, worst_boundary = 0, worst_bytes = 0;
  for (std::size_t pixel = 0; pixel < reference.boundary.size(); ++pixel) {
    boundary += reference.boundary[pixel];
    const double alpha = reference.rgba[pixel * 4 + 3];
    for (std::size_t c = 0; c < 4; ++c) {
      const double found = picture.rgba[pixel * 4 + c], expected = reference.rgba[pixel * 4 + c];
      ASSERT_TRUE(std::isfinite(found));
      double& bar = reference.boundary[pixel] ? worst_boundary : worst;
      bar = std::max(bar, std::abs(found - expected));
    }
    if (!reference.boundary[pixel] && alpha > 0.01) {
      worst_depth = std::max(worst_depth, std::abs(picture.depth[pixel] / reference.depth[pixel] - 1));
    }
    for (std::size_t c = 0; c < 3; ++c) {
      // The float picture is right; what is left to check is the rounding to bytes.
      const double straight = picture.rgba8[pixel * 4 + 3] == 255 ? picture.rgba[pixel * 4 + c] : -1;
      if (straight < 0) continue;
      const double expected = std::min(1.0, std::max(0.0, straight)) * 255;
      worst_bytes = std::max(worst_bytes, std::abs(picture.rgba8[pixel * 4 + c] - expected));
    }
  }
  EXPECT_LE(worst, 1e-4);
  EXPECT_LE(worst_boundary, 0.02);
  EXPECT_LE(worst_depth, 1e-3);
  EXPECT_LE(worst_bytes, 0.5001);
  EXPECT_LT(static_cast<double>(boundary), 0.1 * static_cast<double>(reference.boundary.size()) + 1);
}

}  // namespace talkrt::testing
