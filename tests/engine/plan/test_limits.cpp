// SPDX-License-Identifier: Apache-2.0
//
// The limits that would make hostile files large: built here in memory.
#include <gtest/gtest.h>

#include <string>

#include "tests/engine/plan/editable_plan.hpp"

namespace talkrt::plan {
namespace {

const std::string kBegin = R"({"__metadata__":{"talkrt.plan":"{}"},)";

std::string with_tensors(int count) {
  std::string header = kBegin;
  for (int i = 0; i < count; ++i) {
    header +=
        (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  return header + "}";
}

TEST(Limits, sixty_five_thousand_tensors_are_one_too_many_at_65537) {
  // With 65,536 the reader gets as far as the manifest, which is empty here.
  EXPECT_NE(refusal_of(container(with_tensors(65'536))).find("manifest format is absent"), std::string::npos);
  EXPECT_NE(refusal_of(container(with_tensors(65'537))).find("number of tensors is 65537"),
            std::string::npos);
}

TEST(Limits, json_of_a_million_values_is_refused_before_it_is_built) {
  std::string header = kBegin + "\"a\":[";
  for (int i = 0; i < (1 << 20); ++i) header += "[],";
  header += "0]}";
  EXPECT_NE(refusal_of(container(header)).find("JSON of more than 1048576 values"), std::string::npos);
}

TEST(Limits, sixteen_mebibytes_of_brackets_are_refused_at_level_33) {
  const std::string header = "{\"a\":" + std::string((16u << 20) - 5, '[');
  EXPECT_NE(refusal_of(container(header)).find("nested deeper than 32 levels"), std::string::npos);
}

TEST(Limits, a_header_of_sixteen_mebibytes_is_read) {
  const std::string header = kBegin + "\"a\":0}";
  const std::string padded = header + std::string((16u << 20) - header.size(), ' ');
  EXPECT_NE(refusal_of(container(padded)).find("tensor a is number"), std::string::npos);
}

TEST(Limits, thirty_two_levels_of_json_are_read) {
  EditablePlan plan = EditablePlan::tiny();
  nlohmann::json deep = 0;
  for (int level = 1; level < 32; ++level) deep = nlohmann::json::array({deep});
  plan.manifest["extension"] = deep;
  EXPECT_EQ(plan.refusal(), "");
  plan.manifest["extension"] = nlohmann::json::array({deep});
  EXPECT_NE(plan.refusal().find("the manifest is JSON nested deeper"), std::string::npos);
}

TEST(Limits, header_padding_may_move_the_data_to_any_alignment) {
  const EditablePlan tiny = EditablePlan::tiny();
  for (std::size_t pad = 0; pad < 8; ++pad) EXPECT_EQ(refusal_of(tiny.bytes(pad)), "") << pad;
}

TEST(Limits, empty_and_scalar_tensors_are_tensors) {
  EditablePlan plan = EditablePlan::tiny();
  plan.tensors["extension/empty"] = {DType::i64, {0, 1000}, {}};
  plan.tensors["extension/scalar"] = {DType::i64, {}, std::vector<std::byte>(8)};
  const auto bytes = plan.bytes();
  const Plan read(bytes, "memory");
  EXPECT_TRUE(read.find("extension/empty")->bytes.empty());
  EXPECT_EQ(read.find("extension/scalar")->bytes.size(), 8u);
}

}  // namespace
}  // namespace talkrt::plan
