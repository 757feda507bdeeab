// SPDX-License-Identifier: Apache-2.0
//
// What a plan of model vasa1 means. Refusals of single fields: tests/data/hostile.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {
namespace {

TEST(Vasa1, has_every_field_of_the_file) {
  const Plan plan(TALKRT_TEST_DATA "/tiny_vasa1.plan");
  const Manifest& m = plan.manifest();
  ASSERT_TRUE(m.vasa1.has_value());
  const Vasa1Spec& spec = *m.vasa1;
  EXPECT_EQ(m.untrained_seed, 1);
  EXPECT_EQ(m.sample_rate, 16000);
  EXPECT_EQ(spec.side, 128);
  EXPECT_EQ(m.width, 128);
  EXPECT_EQ(spec.keypoints, 21);
  EXPECT_EQ(spec.motion, 73);
  EXPECT_EQ(spec.positions, Positions::constant);
  EXPECT_EQ(spec.precision, Precision::float32);
  EXPECT_EQ(spec.frames, 20);
  EXPECT_EQ(spec.previous, 4);
  EXPECT_EQ(spec.steps, 10);
  EXPECT_EQ(spec.default_steps, 10);
  EXPECT_EQ(spec.guidance, 2.8f);
  EXPECT_EQ(spec.smoothing, 0.01f);
  EXPECT_EQ(spec.multiplier, 1.1f);
  EXPECT_TRUE(spec.stitching);
  EXPECT_EQ(spec.graphs.denoise, "denoise");
  EXPECT_EQ(spec.graphs.retarget_lips, "retarget_lips");
  ASSERT_TRUE(spec.check.has_value());
  EXPECT_EQ(spec.check->seed, 1);
  EXPECT_EQ(spec.check->steps, 5);
  EXPECT_EQ(spec.check->eta, 1.0f);
  EXPECT_EQ(spec.check->guidance, 2.8f);
}

TEST(Vasa1, says_how_often_each_graph_runs_and_what_a_run_costs) {
  const Plan plan(TALKRT_TEST_DATA "/tiny_vasa1.plan");
  std::vector<Runs> runs;
  for (const GraphSpec& graph : plan.manifest().graphs) {
    runs.push_back(graph.runs);
    EXPECT_GT(graph.multiply_adds, 0u) << graph.name;
    EXPECT_GT(graph.bytes, 0u) << graph.name;
  }
  EXPECT_EQ(std::count(runs.begin(), runs.end(), Runs::portrait), 2);
  EXPECT_EQ(std::count(runs.begin(), runs.end(), Runs::window), 2);
  EXPECT_EQ(std::count(runs.begin(), runs.end(), Runs::frame), 5);
}

}  // namespace
}  // namespace talkrt::plan
