// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kSampleRate = 16'000;
constexpr std::int64_t kVector = 320, kRow = 640;  // samples
constexpr std::int64_t kLeastAfter = 80;           // what the last vector of a step takes from behind it
constexpr std::int64_t kMaxSamples = 480'000;

int samples_of(const Node& node, std::int64_t least, std::int64_t unit) {
  const std::int64_t value = node.integer(least, kMaxSamples);
  if (value % unit != 0) node.refuse("a multiple of " + std::to_string(unit));
  return static_cast<int>(value);
}

void check_port(const Node& node, const std::vector<Port>& ports, std::string_view kind,
                std::string_view name, std::array<std::int64_t, 2> shape) {
  const bool fits = ports.size() == 1 && ports[0].name == name && ports[0].dtype == DType::f32 &&
                    std::equal(ports[0].shape.begin(), ports[0].shape.end(), shape.begin(), shape.end());
  if (fits) return;
  const std::string found = ports.size() == 1
                                ? in_quotes(ports[0].name) + " " + described(ports[0].dtype, ports[0].shape)
                                : std::to_string(ports.size()) + " of them";
  node.refuse("of a graph whose " + std::string(kind) + " is " + found,
              "one " + std::string(kind) + ", " + in_quotes(name) + " " + described(DType::f32, shape));
}

}  // namespace

EncoderSpec read_encoder(const Node& node, const RowFeatures& rows, const Manifest& manifest) {
  EncoderSpec out;
  const Node graph = node.at("graph");
  out.graph = graph.text(64);
  const auto found = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                  [&](const GraphSpec& g) { return g.name == out.graph; });
  if (found == manifest.graphs.end()) graph.refuse("a graph that the manifest lists");
  if (found->runs != Runs::window || !found->states.empty()) {
    graph.refuse("a graph that runs per window, without states");
  }
  if (manifest.sample_rate != kSampleRate || manifest.fps_num != 25 * manifest.fps_den) {
    node.refuse("of a plan of " + std::to_string(manifest.sample_rate) + " Hz and " +
                    std::to_string(manifest.fps_num) + "/" + std::to_string(manifest.fps_den) +
                    " frames per second",
                "16000 Hz and 25/1");
  }
  out.before = samples_of(node.at("before"), 0, kVector);
  out.step = samples_of(node.at("step"), kRow, kRow);
  const Node after = node.at("after");
  out.after = samples_of(after, kLeastAfter, 1);
  if (out.samples() > kMaxSamples) {
    after.refuse("at most " + std::to_string(kMaxSamples) + " samples with before and step");
  }
  out.lead = static_cast<int>(node.at("lead").integer(0, rows.row_width));
  check_port(graph, found->inputs, "input", "samples", {1, out.samples()});
  if (found->inputs[0].from != "pipeline") {
    graph.refuse("of a graph whose samples come from " + in_quotes(found->inputs[0].from), "from pipeline");
  }
  check_port(graph, found->outputs, "output", "vectors", {out.step / kVector, rows.channels});
  return out;
}

}  // namespace talkrt::plan
