// SPDX-License-Identifier: Apache-2.0
//
// What a valid plan says of TensorRT engines. Refusals: tests/data/hostile.
#include <gtest/gtest.h>

#include <string>

#include "engine/src/plan/plan.hpp"
#include "engine/src/plan/sha256.hpp"

namespace talkrt::plan {
namespace {

TEST(Engines, have_every_field_of_the_file) {
  const Plan plan(TALKRT_TEST_DATA "/../fuzz/corpus/engine.plan");
  ASSERT_EQ(plan.manifest().engines.size(), 1u);
  const EngineSpec& engine = plan.manifest().engines[0];
  EXPECT_EQ(engine.tensor, "engine/g/sm90-made-up-trt11.4.0.106");
  EXPECT_EQ(engine.graph, "g");
  EXPECT_EQ(engine.tensorrt, (TensorRtVersion{11, 4, 0, 106}));
  EXPECT_EQ(described(engine.tensorrt), "11.4.0.106");
  EXPECT_EQ(engine.compute_capability, (std::array<int, 2>{9, 0}));
  EXPECT_EQ(engine.gpu, "Made Up");
  EXPECT_TRUE(engine.version_compatible);
  EXPECT_EQ(engine.precision, "float32");
  EXPECT_EQ(engine.source, std::string(64, '0'));
  ASSERT_EQ(engine.refit.size(), 2u);
  EXPECT_EQ(engine.refit[0], (std::pair<std::string, std::string>{"b", "engine/g/weights/b"}));
  EXPECT_EQ(engine_version(plan.find(engine.tensor)->bytes), engine.tensorrt);
  // As Python's hashlib has it, through export/engines.py.
  EXPECT_EQ(graph_source(plan, "g"), "4404ba14506a119f028993986f18e91fa2d87cacd4f3160438706e0dc90fc8bb");
}

TEST(Sha256, is_that_of_fips_180) {
  const auto of = [](std::string_view text, std::size_t step) {
    Sha256 sha;
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) sha.add(text.substr(0, step));
    return sha.hex();
  };
  EXPECT_EQ(of("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  for (const std::size_t step : {1u, 63u, 64u, 65u, 1'000'000u}) {
    EXPECT_EQ(of(million, step), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") << step;
  }
}

}  // namespace
}  // namespace talkrt::plan
