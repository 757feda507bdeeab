// SPDX-License-Identifier: Apache-2.0
//
// The graph of the tests of GPU back ends: y = x W + s, and y becomes the next s. With a TensorRT engine of
// the fake module, where one is wanted.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/src/nn/graph.hpp"
#include "tests/engine/nn/onnx_builder.hpp"
#include "tests/engine/nn/plan_builder.hpp"

namespace talkrt {

inline std::vector<float> accumulator_weights() { return {1, 2, 3, 4}; }

/// As its manifest has it. `multiply_adds`: enough that it is worth a GPU.
inline nlohmann::json accumulator_entry(std::uint64_t multiply_adds = 1'000'000'000) {
  return {{"inputs", {{{"name", "x"}, {"dtype", "F32"}, {"shape", {1, 2}}, {"from", "controls"}}}},
          {"outputs", {{{"name", "y"}, {"dtype", "F32"}, {"shape", {1, 2}}}}},
          {"states",
           {{{"input", "s_in"},
             {"output", "s_out"},
             {"dtype", "F32"},
             {"shape", {1, 2}},
             {"init", "state/probe/s"}}}},
          {"multiply_adds", multiply_adds}};
}

inline std::string accumulator_model() {
  const onnx::Graph graph{
      .nodes = {onnx::node("MatMul", {"x", "W"}, {"xW"}), onnx::node("Add", {"xW", "s_in"}, {"s_out"}),
                onnx::node("Identity", {"s_out"}, {"y"})},
      .initializers = {onnx::external_at("W", {2, 2}, "weight/probe/W")},
      .inputs = {onnx::value("x", {1, 2}), onnx::value("s_in", {1, 2})},
      .outputs = {onnx::value("y", {1, 2}), onnx::value("s_out", {1, 2})}};
  return onnx::model(graph.bytes());
}

struct FakeEngine {
  bool stripped = false;
  std::vector<int> tensorrt{11, 4, 0, 106};
  std::vector<int> compute_capability{9, 0};
  std::string gpu = "emulation", source{};  // "": of this very graph
  bool version_compatible = true;
  std::size_t surplus_floats = 0;  // which make it no engine of the fake module
};

inline std::map<std::string, ProbePlan::Tensor> accumulator_tensors() {
  return {{"weight/probe/W", {"F32", {2, 2}, accumulator_weights()}},
          {"state/probe/s", {"F32", {1, 2}, {10, 20}}}};
}

inline ProbePlan accumulator_plan(const std::vector<FakeEngine>& engines = {},
                                  const nlohmann::json& entry = accumulator_entry()) {
  auto tensors = accumulator_tensors();
  const std::string model = accumulator_model();
  const std::string source = plan::graph_source(ProbePlan(model, entry, tensors).plan(), "probe");
  auto listed = nlohmann::json::array();
  for (const FakeEngine& engine : engines) {
    std::vector<float> bytes(7 + (engine.stripped ? 0 : 4) + engine.surplus_floats);
    auto* const head = reinterpret_cast<unsigned char*>(bytes.data());
    std::ranges::copy(std::string_view("ftrt"), head);
    for (std::size_t i = 0; i < 4; ++i) head[24 + i] = static_cast<unsigned char>(engine.tensorrt[i]);
    if (!engine.stripped) std::ranges::copy(accumulator_weights(), bytes.begin() + 7);
    const std::string name = "engine/probe/" + std::to_string(listed.size());
    tensors[name] = {"U8", {static_cast<std::int64_t>(4 * bytes.size())}, bytes};
    listed.push_back({{"tensor", name},
                      {"graph", "probe"},
                      {"tensorrt", engine.tensorrt},
                      {"compute_capability", engine.compute_capability},
                      {"gpu", engine.gpu},
                      {"version_compatible", engine.version_compatible},
                      {"precision", "float32"},
                      {"source", engine.source.empty() ? source : engine.source}});
    if (engine.stripped) listed.back()["refit"] = {{"W", "weight/probe/W"}};
  }
  return {model, entry, tensors, false, listed};
}

/// What y is after a run with x.
inline std::vector<float> step(nn::Instance& instance, float x0, float x1) {
  const auto x = instance.input("x");
  x[0] = x0, x[1] = x1;
  instance.run();
  const auto y = instance.output("y");
  return {y.begin(), y.end()};
}

}  // namespace talkrt
