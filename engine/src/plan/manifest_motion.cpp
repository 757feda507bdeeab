// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>

#include "engine/src/plan/channels.hpp"
#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr int kMaxLookAheadMs = 120;

const GraphSpec& read_graph(const Node& node, const std::vector<GraphSpec>& graphs) {
  const std::string name = node.text(64);
  const auto found =
      std::find_if(graphs.begin(), graphs.end(), [&](const auto& g) { return g.name == name; });
  if (found == graphs.end()) node.refuse("a graph that graphs lists");
  if (found->runs != Runs::window) node.refuse("a graph that runs once per window");
  return *found;
}

/// Rows of the output `name` of the motion graph; -1 takes any number.
std::int64_t output_rows(const Node& node, const GraphSpec& graph, const char* name, std::int64_t rows) {
  const std::array<std::int64_t, 2> expected{1, rows};
  const auto port =
      std::find_if(graph.outputs.begin(), graph.outputs.end(), [&](const Port& p) { return p.name == name; });
  const std::string wanted = "output " + std::string(name) + " " + described(DType::f32, expected);
  if (port == graph.outputs.end()) node.refuse("graph " + graph.name + " without output " + name, wanted);
  const bool fits = port->dtype == DType::f32 && port->shape.size() == 2 && port->shape[0] == 1 &&
                    (rows < 0 || port->shape[1] == rows);
  if (!fits) {
    node.refuse("graph " + graph.name + " with output " + name + " " + described(port->dtype, port->shape),
                wanted);
  }
  return port->shape[1];
}

void check_feature_input(const Node& node, const GraphSpec& graph, const Motion& motion, int mels) {
  const std::vector<std::int64_t> expected{1, motion.frames_per_step, mels};
  const std::string wanted = "one input from features, " + described(DType::f32, expected);
  const Port* features = nullptr;
  for (const Port& port : graph.inputs) {
    if (port.from != "features") continue;
    if (features != nullptr) node.refuse("graph " + graph.name + " with two inputs from features", wanted);
    features = &port;
  }
  if (features == nullptr) node.refuse("graph " + graph.name + " without an input from features", wanted);
  if (features->dtype != DType::f32 || features->shape != expected) {
    node.refuse("graph " + graph.name + " with input " + features->name + " " +
                    described(features->dtype, features->shape),
                wanted);
  }
}

void check_timing(const Node& node, const Motion& motion, const LogMel& features, int sample_rate) {
  if (motion.step_samples != features.hop * motion.frames_per_step) {
    node.at("step_samples")
        .refuse("features.hop * frames_per_step = " + std::to_string(features.hop * motion.frames_per_step));
  }
  const std::int64_t look_ahead =
      std::int64_t{motion.frames_per_step - 1} * features.hop + features.window - motion.time_offset;
  if (look_ahead < 0 || look_ahead * 1000 > std::int64_t{kMaxLookAheadMs} * sample_rate) {
    node.at("time_offset")
        .refuse(std::to_string(motion.time_offset) + ", a look-ahead of " + std::to_string(look_ahead) +
                    " samples",
                "a look-ahead of 0 to 120 ms");
  }
}

std::vector<CoefficientRow> read_rows(const Node& node, std::int64_t rows,
                                      const std::vector<std::string>& channels) {
  std::vector<CoefficientRow> out;
  std::set<std::int64_t> outputs;
  std::set<int> driven;
  for (const Node& item : node.items(1, 256)) {
    const Node output = item.at("output");
    CoefficientRow row{static_cast<int>(output.integer(0, rows - 1)), {}};
    if (!outputs.insert(row.output).second) output.refuse("a row that is not used yet");
    for (const Node& name : item.at("channels").items(1, 52)) {
      row.channels.push_back(read_channel(name, channels));
      if (!is_coefficient(name.text(64))) name.refuse("an ARKit coefficient");
      if (!driven.insert(row.channels.back()).second) name.refuse("a channel that no other row drives");
    }
    out.push_back(std::move(row));
  }
  return out;
}

Idle read_idle(const Node& node) {
  Idle out;
  out.blinks_per_minute = node.at("blinks_per_minute").number(0, 120);
  out.gaze_share = node.at("gaze_share").number(0, 1);
  out.head_degrees = node.at("head_degrees").numbers<3>(0, 45);
  out.breaths_per_minute = node.at("breaths_per_minute").number(0, 120);
  return out;
}

}  // namespace

Motion read_motion(const Node& node, const Manifest& manifest) {
  Motion out;
  const Node name = node.at("graph");
  const GraphSpec& graph = read_graph(name, manifest.graphs);
  out.graph = graph.name;
  out.step_samples = static_cast<int>(node.at("step_samples").integer(1, 48'000));
  out.frames_per_step = static_cast<int>(node.at("frames_per_step").integer(1, 64));
  out.time_offset = static_cast<int>(node.at("time_offset").integer(-48'000, 48'000));
  check_timing(node, out, *manifest.features, manifest.sample_rate);
  check_feature_input(name, graph, out, manifest.features->mels);
  const std::int64_t rows = output_rows(name, graph, "coefficients", -1);
  output_rows(name, graph, "closure", 1);
  output_rows(name, graph, "energy", 1);
  out.coefficients = read_rows(node.at("coefficients"), rows, manifest.gaussian->channels);
  out.emotions = read_emotions(node.at("emotions"), manifest.gaussian->channels);
  out.idle = read_idle(node.at("idle"));
  return out;
}

}  // namespace talkrt::plan
