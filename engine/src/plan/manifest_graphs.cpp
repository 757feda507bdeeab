// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <set>
#include <string>

#include "engine/src/plan/dtype.hpp"
#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kMaxGraphs = 64;
constexpr std::size_t kMaxPorts = 256;
constexpr std::size_t kMaxDims = 8;
constexpr std::uint64_t kMaxPortBytes = 1'073'741'824;
constexpr std::int64_t kMaxCount = 9'007'199'254'740'992;  // 2^53

DType read_dtype(const Node& node) {
  const auto dtype = dtype_named(node.text(8));
  if (!dtype) node.refuse(kDTypeNames);
  return *dtype;
}

/// Fixed, positive, and small enough that a back end may allocate it.
std::vector<std::int64_t> read_shape(const Node& node, DType dtype) {
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = size_of(dtype);
  for (const Node& dim : node.items(0, kMaxDims)) {
    shape.push_back(dim.integer(1, INT32_MAX));
    bytes *= static_cast<std::uint64_t>(shape.back());  // 2^30 * 2^31 fits
    if (bytes > kMaxPortBytes) node.refuse("more than 1 GiB", "at most 1 GiB for one tensor of a graph");
  }
  return shape;
}

void claim(std::set<std::string>& taken, const Node& name) {
  if (!taken.insert(name.text(255)).second) name.refuse("a name that is not used yet");
}

Port read_port(const Node& node, std::set<std::string>& taken) {
  Port port{};
  port.name = node.at("name").identifier(128);
  claim(taken, node.at("name"));
  port.dtype = read_dtype(node.at("dtype"));
  port.shape = read_shape(node.at("shape"), port.dtype);
  return port;
}

State read_state(const Node& node, const std::string& graph, std::set<std::string>& inputs,
                 std::set<std::string>& outputs) {
  State state{};
  state.input = node.at("input").identifier(128);
  state.output = node.at("output").identifier(128);
  claim(inputs, node.at("input"));
  claim(outputs, node.at("output"));
  state.dtype = read_dtype(node.at("dtype"));
  state.shape = read_shape(node.at("shape"), state.dtype);
  const auto init = node.find("init");
  if (!init || init->is_null()) return state;
  state.init = init->identifier(255);
  const std::string prefix = "state/" + graph + "/";
  if (!state.init.starts_with(prefix)) init->refuse("a tensor's name that starts with " + prefix);
  if (state.dtype != DType::f32) node.at("dtype").refuse("F32, for a state with initial values");
  return state;
}

std::string read_name(const Node& node) {
  std::string name = node.identifier(64);
  // '.' and '/' part a graph's name from what follows it, in `from` and in tensor names.
  if (name.find_first_of("./@") != name.npos) node.refuse("only A-Z a-z 0-9 _ -");
  if (is_source(name)) node.refuse("another name: this one is a source of inputs");
  return name;
}

Runs read_runs(const Node& node) {
  constexpr std::array<std::string_view, 5> kNames{"avatar", "portrait", "clip", "window",
                                                   "frame"};  // as in Runs
  const std::string name = node.text(16);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Runs>(i);
  }
  node.refuse("one of avatar portrait clip window frame");
}

std::uint64_t read_count(const Node& graph, const char* key) {
  const auto node = graph.find(key);
  return node ? static_cast<std::uint64_t>(node->integer(0, kMaxCount)) : 0;
}

}  // namespace

std::vector<GraphSpec> read_graphs(const Node& node) {
  std::vector<GraphSpec> graphs;
  std::set<std::string> names;
  for (const Node& item : node.items(1, kMaxGraphs)) {
    GraphSpec graph;
    graph.name = read_name(item.at("name"));
    claim(names, item.at("name"));
    graph.runs = read_runs(item.at("runs"));
    std::set<std::string> inputs, outputs;
    for (const Node& port : item.at("inputs").items(0, kMaxPorts)) {
      graph.inputs.push_back(read_port(port, inputs));
      graph.inputs.back().from = port.at("from").identifier(200);
    }
    for (const Node& port : item.at("outputs").items(0, kMaxPorts)) {
      graph.outputs.push_back(read_port(port, outputs));
    }
    if (const auto states = item.find("states")) {
      for (const Node& state : states->items(0, kMaxPorts)) {
        graph.states.push_back(read_state(state, graph.name, inputs, outputs));
      }
    }
    graph.multiply_adds = read_count(item, "multiply_adds");
    graph.bytes = read_count(item, "bytes");
    if (outputs.empty()) item.at("outputs").refuse("at least one output or state");
    graphs.push_back(std::move(graph));
  }
  return graphs;
}

}  // namespace talkrt::plan
