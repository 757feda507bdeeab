// SPDX-License-Identifier: Apache-2.0
//
// A portrait's frame by the GPU's kernel, against the CPU's stages: the same bytes.
#include "kernels/image/paste_cuda.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/image/nv12.hpp"
#include "kernels/image/paste.hpp"
#include "tests/emulation/controls.h"
#include "tests/kernels/gaussian/workers.hpp"

namespace talkrt::image {
namespace {

constexpr int kSide = 24;

struct Case {
  const char* what;
  int width, height;
  bool placed;
  Affine to_picture;
};
const std::vector<Case> kCases{
    {"alone", kSide, kSide, false, {}},
    {"larger and odd", 37, 51, false, {}},
    {"smaller", 11, 9, false, {}},
    {"turned in its place", 61, 43, true, {0.6, 0.3, -8.5, -0.3, 0.6, 5.25}},
    {"larger than the frame", 30, 22, true, {0.4, 0, 3.25, 0, 0.4, 6}},
    {"mirrored, half outside", 40, 33, true, {-0.9, 0, 20, 0, 0.7, -9}},
    {"on whole pixels", 40, 30, true, {1, 0, -5, 0, 1, -3}},
    {"nowhere", 9, 7, true, {1, 0, 500, 0, 1, 0}},
};

struct Inputs {
  std::vector<float> planes = std::vector<float>(3 * kSide * kSide);
  std::vector<std::uint8_t> background;
  std::vector<double> mask = std::vector<double>(kSide * kSide);

  explicit Inputs(const Case& of) : background(static_cast<std::size_t>(4 * of.width * of.height)) {
    std::mt19937 bits(static_cast<unsigned>(of.width));
    for (float& value : planes) value = static_cast<float>(bits() * 0x1.4p-32 - 0.1);
    planes[3] = std::numeric_limits<float>::quiet_NaN();
    for (auto& value : background) value = static_cast<std::uint8_t>(bits());
    blend_mask(kSide, mask);
  }
};

std::vector<std::uint8_t> by_cpu(const Case& of, const Inputs& in) {
  testing::Workers workers(1);
  std::vector<std::uint8_t> picture(4 * kSide * kSide), out(in.background.size());
  to_bytes(in.planes.data(), kSide, picture.data(), std::ptrdiff_t{4} * kSide, workers);
  const std::ptrdiff_t row = std::ptrdiff_t{4} * of.width;
  if (of.placed) {
    paste({in.background.data(), of.width, of.height}, {picture.data(), in.mask.data(), kSide, of.to_picture},
          out.data(), row, workers);
  } else if (of.width == kSide && of.height == kSide) {
    out = picture;
  } else {
    resized({picture.data(), kSide, kSide}, of.width, of.height, out.data(), row, workers);
  }
  return out;
}

CudaPortrait portrait_of(const Case& of, const Inputs& in) {
  CudaPortrait out;
  out.planes = in.planes.data();
  out.side = kSide;
  if (of.placed) out.background = in.background.data();
  out.mask = in.mask.data();
  out.to_picture = of.to_picture;
  out.width = of.width;
  out.height = of.height;
  return out;
}

class PasteCuda : public ::testing::TestWithParam<Case> {};

TEST_P(PasteCuda, has_the_bytes_of_the_cpu_in_every_format) {
  const Case& of = GetParam();
  const Inputs in(of);
  const std::vector<std::uint8_t> expected = by_cpu(of, in);
  talkrt_emulation_set_order(7);

  const std::int64_t stride = (std::int64_t{4} * of.width + 63) / 64 * 64;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(stride * of.height), 77);
  CudaPortrait portrait = portrait_of(of, in);
  portrait.rgba8 = bytes.data();
  portrait.stride = stride;
  ASSERT_EQ(compose_portrait_cuda(portrait, nullptr), 0);
  for (int y = 0; y < of.height; ++y) {
    const std::uint8_t *row = bytes.data() + y * stride,
                       *right = expected.data() + std::ptrdiff_t{4} * of.width * y;
    ASSERT_EQ(std::vector(row, row + std::ptrdiff_t{4} * of.width),
              std::vector(right, right + std::ptrdiff_t{4} * of.width))
        << "row " << y;
    for (std::int64_t x = std::int64_t{4} * of.width; x < stride; ++x) ASSERT_EQ(row[x], 77);
  }

  std::vector<float> floats(expected.size());
  portrait = portrait_of(of, in);
  portrait.rgba_float = floats.data();
  ASSERT_EQ(compose_portrait_cuda(portrait, nullptr), 0);
  for (std::size_t i = 0; i < floats.size(); ++i)
    ASSERT_EQ(floats[i], static_cast<float>(expected[i]) / 255.0f);

  const std::int64_t planes = of.width + of.width % 2 + 6, rows = of.height + (of.height + 1) / 2;
  std::vector<std::uint8_t> luma(static_cast<std::size_t>(planes * rows), 77), right = luma;
  to_nv12(expected.data(), std::int64_t{4} * of.width, of.width, of.height,
          {right.data(), right.data() + planes * of.height, planes});
  portrait = portrait_of(of, in);
  portrait.luma = luma.data();
  portrait.chroma = luma.data() + planes * of.height;
  portrait.stride = planes;
  ASSERT_EQ(compose_portrait_cuda(portrait, nullptr), 0);
  EXPECT_EQ(luma, right);
  talkrt_emulation_set_order(0);
}

INSTANTIATE_TEST_SUITE_P(Places, PasteCuda, ::testing::ValuesIn(kCases), [](const auto& one) {
  std::string name = one.param.what;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

}  // namespace
}  // namespace talkrt::image
