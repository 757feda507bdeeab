// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {
namespace {

using Dims = std::vector<std::int64_t>;

const Plan& tiny() {
  static const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  return plan;
}

std::string refusal(std::string_view name, DType dtype, const Dims& shape) {
  try {
    (void)tiny().require(name, dtype, shape);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_PLAN_CORRUPT);
    const std::string message = error.what();
    return message.substr(message.find(": ") + 2);
  }
}

TEST(TensorLookup, lists_names_in_order) {
  const auto names = tiny().names();
  EXPECT_EQ(names.size(), 13u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(names.front(), "gaussian/basis/blocks");
  EXPECT_EQ(names.back(), "weight/speech_to_motion/W");
}

TEST(TensorLookup, finds_a_view_into_the_mapping) {
  const TensorView* means = tiny().find("gaussian/means");
  ASSERT_NE(means, nullptr);
  EXPECT_EQ(means->dtype, DType::f32);
  EXPECT_EQ(means->shape, (Dims{48, 3}));
  EXPECT_EQ(means->bytes.size(), 48u * 3 * 4);
  EXPECT_GE(means->bytes.data(), tiny().bytes().data());
  EXPECT_LE(means->bytes.data() + means->bytes.size(), tiny().bytes().data() + tiny().bytes().size());
}

TEST(TensorLookup, finds_nothing_under_another_name) {
  EXPECT_EQ(tiny().find("gaussian/mean"), nullptr);
  EXPECT_EQ(tiny().find(""), nullptr);
  EXPECT_EQ(tiny().find("__metadata__"), nullptr);
}

TEST(TensorLookup, requires_dtype_and_shape) {
  EXPECT_EQ(refusal("gaussian/means", DType::f32, {48, 3}), "");
  EXPECT_EQ(refusal("gaussian/means", DType::f32, {-1, 3}), "");
  EXPECT_EQ(refusal("gaussian/means", DType::f16, {48, 3}),
            "tensor gaussian/means is F32 [48, 3], expected F16 [48, 3]");
  EXPECT_EQ(refusal("gaussian/means", DType::f32, {-1, 4}),
            "tensor gaussian/means is F32 [48, 3], expected F32 [any, 4]");
  EXPECT_EQ(refusal("gaussian/means", DType::f32, {48, 3, 1}),
            "tensor gaussian/means is F32 [48, 3], expected F32 [48, 3, 1]");
  EXPECT_EQ(refusal("gaussian/hair", DType::u8, {1}), "tensor gaussian/hair is absent, expected U8 [1]");
}

TEST(DTypes, have_the_sizes_and_names_of_the_file) {
  constexpr std::array kAll{DType::u8,  DType::i8,  DType::u16, DType::i16, DType::u32,
                            DType::i32, DType::i64, DType::f16, DType::f32};
  constexpr std::array<std::string_view, 9> kNames{"U8",  "I8",  "U16", "I16", "U32",
                                                   "I32", "I64", "F16", "F32"};
  constexpr std::array<std::size_t, 9> kSizes{1, 1, 2, 2, 4, 4, 8, 2, 4};
  for (std::size_t i = 0; i < kAll.size(); ++i) {
    EXPECT_EQ(name_of(kAll[i]), kNames[i]);
    EXPECT_EQ(size_of(kAll[i]), kSizes[i]);
  }
}

}  // namespace
}  // namespace talkrt::plan
