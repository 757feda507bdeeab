// SPDX-License-Identifier: Apache-2.0
//
// The graph of most tests: y = x W + s, and y becomes the next s.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <talkrt/error.hpp>
#include <thread>
#include <vector>

#include "engine/src/nn/graph.hpp"
#include "tests/engine/nn/onnx_builder.hpp"
#include "tests/engine/nn/plan_builder.hpp"

namespace talkrt::nn {
namespace {

using nlohmann::json;

const json kEntry = json::parse(R"({
  "inputs":  [{"name": "x", "dtype": "F32", "shape": [1, 2], "from": "controls"}],
  "outputs": [{"name": "y", "dtype": "F32", "shape": [1, 2]}],
  "states":  [{"input": "s_in", "output": "s_out", "dtype": "F32", "shape": [1, 2], "init": null}]})");

const ProbePlan::Tensor kWeight{"F32", {2, 2}, {1, 2, 3, 4}};

onnx::Graph accumulator() {
  return {.nodes = {onnx::node("MatMul", {"x", "W"}, {"xW"}), onnx::node("Add", {"xW", "s_in"}, {"s_out"}),
                    onnx::node("Identity", {"s_out"}, {"y"})},
          .initializers = {onnx::external_at("W", {2, 2}, "weight/probe/W")},
          .inputs = {onnx::value("x", {1, 2}), onnx::value("s_in", {1, 2})},
          .outputs = {onnx::value("y", {1, 2}), onnx::value("s_out", {1, 2})}};
}

ProbePlan accumulator_plan(const json& entry = kEntry, bool misalign = false) {
  return {onnx::model(accumulator().bytes()), entry, {{"weight/probe/W", kWeight}}, misalign};
}

std::unique_ptr<Graph> open(const ProbePlan& probe) {
  static const auto backend = open_onnxruntime({});
  return backend->open(probe.plan(), probe.spec());
}

/// What y is after a run with x.
std::vector<float> step(Instance& instance, float x0, float x1) {
  const auto x = instance.input("x");
  x[0] = x0, x[1] = x1;
  instance.run();
  const auto y = instance.output("y");
  return {y.begin(), y.end()};
}

template <class F>
void expect_error(talkrt_status code, const std::vector<std::string>& parts, F&& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << error.what() << "\nlacks: " << part;
    }
  }
}

TEST(OnnxRuntimeGraph, computes_with_weights_of_the_plan_and_feeds_its_state_back) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  EXPECT_EQ(graph->backend(), "onnxruntime-cpu");
  const auto instance = graph->instance();
  EXPECT_EQ(step(*instance, 1, 0), (std::vector<float>{1, 2}));
  EXPECT_EQ(step(*instance, 0, 1), (std::vector<float>{4, 6}));
  EXPECT_EQ(step(*instance, 1, 1), (std::vector<float>{8, 12}));
}

TEST(OnnxRuntimeGraph, runs_the_network_of_the_tiny_plan) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const auto graph = open_onnxruntime({})->open(plan, plan.manifest().graphs.at(0));
  const auto instance = graph->instance();
  for (float& value : instance->input("mel")) value = -3.0f;
  instance->run();
  const std::vector<float> first(instance->output("coefficients").begin(),
                                 instance->output("coefficients").end());
  ASSERT_EQ(first.size(), 14u);
  for (const float value : first) EXPECT_TRUE(value > 0 && value < 1);  // sigmoids
  instance->run();
  EXPECT_NE(first[0], instance->output("coefficients")[0]);  // the state went on
  instance->reset();
  instance->run();
  EXPECT_EQ(0, std::memcmp(first.data(), instance->output("coefficients").data(), 14 * sizeof(float)));
}

TEST(OnnxRuntimeGraph, buffers_stay_where_they_are) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  const auto instance = graph->instance();
  const float* const x = instance->input("x").data();
  const float* const y = instance->output("y").data();
  for (int i = 0; i < 5; ++i) step(*instance, 1, 1);
  EXPECT_EQ(instance->input("x").data(), x);
  EXPECT_EQ(instance->output("y").data(), y);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x) % 64, 0u);
}

TEST(OnnxRuntimeGraph, reset_returns_states_to_their_initial_values_after_any_number_of_runs) {
  json entry = kEntry;
  entry["states"][0]["init"] = "state/probe/s";
  const ProbePlan probe(onnx::model(accumulator().bytes()), entry,
                        {{"weight/probe/W", kWeight}, {"state/probe/s", {"F32", {1, 2}, {10, 20}}}});
  const auto graph = open(probe);
  const auto instance = graph->instance();
  for (int runs = 0; runs < 4; ++runs) {
    for (int i = 0; i < runs; ++i) step(*instance, 1, 1);
    instance->reset();
    EXPECT_EQ(step(*instance, 0, 0), (std::vector<float>{10, 20})) << "after " << runs << " runs";
    instance->reset();
  }
}

TEST(OnnxRuntimeGraph, instances_do_not_see_each_other) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  const auto a = graph->instance(), b = graph->instance();
  step(*a, 1, 0);
  EXPECT_EQ(step(*b, 0, 0), (std::vector<float>{0, 0}));
  EXPECT_EQ(step(*a, 0, 0), (std::vector<float>{1, 2}));
}

TEST(OnnxRuntimeGraph, instances_share_an_input_that_the_caller_owns_and_count_their_runs) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  std::vector<float> x{1, 0};
  const Shared shared[] = {{"x", x}};
  const auto a = graph->instance(nullptr, {shared, {}, {}}), b = graph->instance(nullptr, {shared, {}, {}});
  EXPECT_LT(a->bytes(), graph->instance()->bytes());
  a->run();
  x[0] = 3;
  b->run();
  a->run();
  EXPECT_EQ(a->output("y")[0], 4);
  EXPECT_EQ(b->output("y")[0], 3);
  EXPECT_EQ(a->times().runs, 2u);
  EXPECT_GT(a->times().ns, 0u);
  expect_error(TALKRT_ERROR_NOT_FOUND, {"no input \"x\""}, [&] { (void)a->input("x"); });
  const Shared wrong[] = {{"x", std::span(x).first(1)}};
  expect_error(TALKRT_ERROR_INTERNAL, {"shared with 1 numbers, expected 2"},
               [&] { (void)graph->instance(nullptr, {wrong, {}, {}}); });
}

TEST(OnnxRuntimeGraph, instances_run_at_the_same_time) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      const auto instance = graph->instance();
      for (int i = 1; i <= 500; ++i) {
        ASSERT_EQ(step(*instance, static_cast<float>(t), 0),
                  (std::vector<float>{1.0f * t * i, 2.0f * t * i}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(OnnxRuntimeGraph, instances_charge_the_budget_they_are_given) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  device::Budget session("session 1", 0), tight("session 2", 16);
  {
    const auto instance = graph->instance(&session);
    EXPECT_EQ(session.used(device::MemoryKind::host), instance->bytes());
    EXPECT_GE(instance->bytes(), 4 * 2 * sizeof(float));
  }
  EXPECT_EQ(session.used(device::MemoryKind::host), 0u);
  expect_error(TALKRT_ERROR_OUT_OF_BUDGET, {"session 2", "graph probe"}, [&] { graph->instance(&tight); });
}

TEST(OnnxRuntimeGraph, what_a_run_takes_is_charged_known_after_the_first_and_refused_by_name) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const auto graph = open_onnxruntime({})->open(plan, plan.manifest().graphs.at(0));
  const std::uint64_t ports = graph->instance()->bytes();
  device::Budget tight("session 1", ports + 10), session("session 2", 0);
  const auto refused = graph->instance(&tight);
  expect_error(TALKRT_ERROR_OUT_OF_BUDGET,
               {"session 1: memory budget exceeded: ", " of graph ", "asks for 4.0 KiB", "held now"},
               [&] { refused->warm(); });
  EXPECT_EQ(tight.used(device::MemoryKind::host), ports);

  const auto first = graph->instance(&session);
  first->warm();
  EXPECT_EQ(first->times().runs, 0u);
  const std::uint64_t needed = session.used(device::MemoryKind::host);
  EXPECT_GT(needed, ports);
  first->run();
  EXPECT_EQ(session.used(device::MemoryKind::host), needed);
  const auto second = graph->instance(&session);
  EXPECT_EQ(session.used(device::MemoryKind::host), 2 * needed);
  expect_error(TALKRT_ERROR_OUT_OF_BUDGET, {"session 1", " of graph "}, [&] { graph->instance(&tight); });
}

TEST(OnnxRuntimeGraph, packed_weights_are_charged_while_a_graph_is_open_and_refused_by_name) {
  const ProbePlan probe = accumulator_plan();
  const auto backend = open_onnxruntime({});
  device::Budget model("model", 0), tight("model", 10);
  {
    const auto graph = backend->open(probe.plan(), probe.spec(), 1, &model);
    EXPECT_GT(graph->bytes(), 0u);
    EXPECT_EQ(model.used(device::MemoryKind::host), graph->bytes());
  }
  EXPECT_EQ(model.used(device::MemoryKind::host), 0u);
  expect_error(TALKRT_ERROR_OUT_OF_BUDGET, {"model: memory budget exceeded", "of graph probe asks for"},
               [&] { backend->open(probe.plan(), probe.spec(), 1, &tight); });
}

TEST(OnnxRuntimeGraph, weights_at_odd_addresses_work) {
  const ProbePlan probe = accumulator_plan(kEntry, true);
  ASSERT_NE(reinterpret_cast<std::uintptr_t>(probe.plan().find("weight/probe/W")->bytes.data()) % 4, 0u);
  const auto graph = open(probe);
  const auto instance = graph->instance();
  EXPECT_EQ(step(*instance, 1, 1), (std::vector<float>{4, 6}));
}

TEST(OnnxRuntimeGraph, weights_that_the_optimizer_folds_away_do_no_harm) {
  onnx::Graph model = accumulator();
  model.nodes[0] = onnx::node("Mul", {"W", "W"}, {"WW"});
  model.nodes.insert(model.nodes.begin() + 1, onnx::node("MatMul", {"x", "WW"}, {"xW"}));
  const ProbePlan probe(onnx::model(model.bytes()), kEntry, {{"weight/probe/W", kWeight}});
  const auto graph = open(probe);
  const auto instance = graph->instance();
  EXPECT_EQ(step(*instance, 1, 0), (std::vector<float>{1, 4}));
  EXPECT_EQ(step(*instance, 0, 1), (std::vector<float>{10, 20}));
}

TEST(OnnxRuntimeGraph, half_weights_behind_a_cast_compute_and_count_as_the_floats_they_become) {
  const std::vector<float> one_to_four{std::bit_cast<float>(0x40003C00U), std::bit_cast<float>(0x44004200U)};
  onnx::Graph model = accumulator();
  model.nodes.insert(model.nodes.begin(),
                     onnx::node("Cast", {"H"}, {"W"}, {onnx::integer_attribute("to", onnx::kFloat)}));
  model.initializers = {
      onnx::external("H", {2, 2}, {onnx::entry("location", "weight/probe/H")}, onnx::kHalf)};
  const ProbePlan probe(onnx::model(model.bytes()), kEntry,
                        {{"weight/probe/H", {"F16", {2, 2}, one_to_four}}});
  const auto graph = open(probe);
  EXPECT_GE(graph->bytes(), 4 * sizeof(float));
  const auto instance = graph->instance();
  EXPECT_EQ(step(*instance, 1, 1), (std::vector<float>{4, 6}));
}

TEST(OnnxRuntimeGraph, unknown_ports_are_refused_with_the_known_ones) {
  const ProbePlan probe = accumulator_plan();
  const auto graph = open(probe);
  const auto instance = graph->instance();
  expect_error(TALKRT_ERROR_NOT_FOUND, {"graph probe", "\"mel\"", "it has: x"},
               [&] { (void)instance->input("mel"); });
  expect_error(TALKRT_ERROR_NOT_FOUND, {"\"s_out\"", "it has: y"}, [&] { (void)instance->output("s_out"); });
}

TEST(OnnxRuntimeGraph, what_manifest_and_graph_disagree_on_is_named_with_both) {
  struct Case {
    const char* path;
    json value;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {"/inputs/0/shape", {1, 3}, {"input \"x\" is F32 [1, 2] in the graph and F32 [1, 3] in the manifest"}},
      {"/outputs/0/shape", {2}, {"output \"y\" is F32 [1, 2] in the graph and F32 [2] in the manifest"}},
      {"/states/0/shape", {1, 4}, {"\"s_in\" is F32 [1, 2] in the graph and F32 [1, 4]"}},
      {"/inputs/0/name", "z", {"the graph has an input \"x\" that the manifest does not list"}},
      {"/states/0/output", "t", {"the graph has an output \"s_out\" that the manifest does not list"}},
      {"/states", json::array(), {"\"s_in\" that the manifest does not list"}},
  };
  for (const Case& one : cases) {
    json entry = kEntry;
    entry[json::json_pointer(one.path)] = one.value;
    const ProbePlan probe = accumulator_plan(entry);
    std::vector<std::string> parts = one.parts;
    parts.emplace_back("probe.plan: graph/probe");
    expect_error(TALKRT_ERROR_PLAN_CORRUPT, parts, [&] { open(probe); });
  }
}

TEST(OnnxRuntimeGraph, ports_that_only_the_manifest_has_are_named) {
  json entry = kEntry;
  entry["outputs"].push_back({{"name", "energy"}, {"dtype", "F32"}, {"shape", {1, 1}}});
  const ProbePlan probe = accumulator_plan(entry);
  expect_error(TALKRT_ERROR_PLAN_CORRUPT, {"an output \"energy\" that the graph does not have"},
               [&] { open(probe); });
}

TEST(OnnxRuntimeGraph, sizes_left_open_by_the_graph_are_refused) {
  onnx::Graph model = accumulator();
  model.inputs[0] = onnx::value("x", {0, 2});
  const ProbePlan probe(onnx::model(model.bytes()), kEntry, {{"weight/probe/W", kWeight}});
  expect_error(TALKRT_ERROR_PLAN_CORRUPT, {"input \"x\" is F32 [?, 2] in the graph"}, [&] { open(probe); });
}

TEST(OnnxRuntimeGraph, ports_of_other_types_are_refused_as_unsupported) {
  json entry = kEntry;
  entry["inputs"][0]["dtype"] = "I64";
  const ProbePlan probe = accumulator_plan(entry);
  expect_error(TALKRT_ERROR_PLAN_UNSUPPORTED, {"input \"x\" is I64 [1, 2]", "F32"}, [&] { open(probe); });
}

TEST(OnnxRuntimeGraph, what_onnxruntime_refuses_is_passed_on_with_its_reason) {
  onnx::Graph model = accumulator();
  model.nodes[0] = onnx::node("NoSuchOperator", {"x", "W"}, {"xW"});
  const ProbePlan probe(onnx::model(model.bytes()), kEntry, {{"weight/probe/W", kWeight}});
  expect_error(TALKRT_ERROR_BACKEND_FAILED, {"probe.plan: graph/probe", "NoSuchOperator"},
               [&] { open(probe); });
}

}  // namespace
}  // namespace talkrt::nn
