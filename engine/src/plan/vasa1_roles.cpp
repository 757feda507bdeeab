// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/vasa1_roles.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kFrameSamples = 640;
constexpr std::int64_t kExtraSamples = 80;  // a window's last hidden vector hears beyond its own
constexpr std::string_view kPipeline = "pipeline";

using Shape = std::vector<std::int64_t>;

struct WantedPort {
  std::string_view name;
  Shape shape;       // none: any
  std::string from;  // of inputs
};

struct Role {
  std::string_view name;
  std::string Vasa1Graphs::* graph;
  Runs runs;
  std::vector<WantedPort> inputs, outputs;
  bool optional = false;
  bool more_outputs = false;
  // Said though redundant: g++ warns of fields that a list leaves out.
  // NOLINTBEGIN(readability-redundant-member-init)
  std::string more_inputs = {};  // the graph that further inputs may come from
  std::string_view state = {};   // the input of its one state
  // NOLINTEND(readability-redundant-member-init)
};

std::string_view name_of(Runs runs) {
  constexpr std::array<std::string_view, 5> kNames{"avatar", "portrait", "clip", "window", "frame"};
  return kNames.at(static_cast<std::size_t>(runs));
}

std::string text_of(const WantedPort& port) {
  std::string text(port.name);
  text += port.shape.empty() ? " F32" : " " + described(DType::f32, port.shape);
  return port.from.empty() ? text : text + " from " + port.from;
}

bool fits(const Port& port, const WantedPort& wanted) {
  return port.name == wanted.name && port.dtype == DType::f32 &&
         (wanted.shape.empty() || port.shape == wanted.shape) &&
         (wanted.from.empty() || port.from == wanted.from);
}

const WantedPort* wanted_of(const std::vector<WantedPort>& wanted, const Port& port) {
  const auto found =
      std::find_if(wanted.begin(), wanted.end(), [&](const WantedPort& w) { return w.name == port.name; });
  return found == wanted.end() ? nullptr : &*found;
}

/// Every wanted port is there as wanted; of others, `allowed` decides.
template <class Allowed>
void check_ports(const Node& node, const std::string& graph, const char* kind, const std::vector<Port>& ports,
                 const std::vector<WantedPort>& wanted, Allowed allowed) {
  for (const WantedPort& want : wanted) {
    if (std::none_of(ports.begin(), ports.end(), [&](const Port& port) { return port.name == want.name; })) {
      node.refuse("graph " + graph + " without " + kind + " " + std::string(want.name), text_of(want));
    }
  }
  for (const Port& port : ports) {
    const std::string what = "graph " + graph + " with " + kind + " " + port.name;
    if (const WantedPort* want = wanted_of(wanted, port)) {
      const std::string from = port.from.empty() ? "" : " from " + port.from;
      if (!fits(port, *want)) {
        node.refuse(what + " " + described(port.dtype, port.shape) + from, text_of(*want));
      }
    } else if (!allowed(port)) {
      node.refuse(what, std::string("no other ") + kind + "s than FORMAT.md section 9 lists");
    }
  }
}

void check_graph(const Node& node, const Role& role, const GraphSpec& graph) {
  if (graph.runs != role.runs) {
    node.refuse("graph " + graph.name + ", which runs once per " + std::string(name_of(graph.runs)),
                "one that runs once per " + std::string(name_of(role.runs)));
  }
  check_ports(node, graph.name, "input", graph.inputs, role.inputs, [&](const Port& port) {
    return !role.more_inputs.empty() && port.from.starts_with(role.more_inputs + ".");
  });
  check_ports(node, graph.name, "output", graph.outputs, role.outputs,
              [&](const Port&) { return role.more_outputs; });
  const std::size_t states = role.state.empty() ? 0 : 1;
  if (graph.states.size() != states || (states == 1 && graph.states[0].input != role.state)) {
    node.refuse("graph " + graph.name + " with " + std::to_string(graph.states.size()) + " states",
                states == 0 ? "none" : "the state " + std::string(role.state) + " alone");
  }
}

/// `known`: the graphs that were named so far, which the later ones read.
std::vector<Role> portrait_and_window_roles(const Vasa1Spec& spec, const Vasa1Graphs& known) {
  const std::string pipeline(kPipeline);
  const std::int64_t half = spec.side / 2, frames = spec.frames, previous = spec.previous;
  const Shape image{1, 3, half, half}, points{1, spec.keypoints, 3}, motion{1, frames, spec.motion};
  const WantedPort source{"kp_source", points, known.portrait_motion + ".keypoints"};
  const Shape before{1, previous, spec.motion};
  const Shape samples{1, kFrameSamples * frames + kExtraSamples};
  return {
      {"portrait_motion",
       &Vasa1Graphs::portrait_motion,
       Runs::portrait,
       {{"image", image, pipeline}},
       {{"keypoints", points, ""},
        {"canonical", points, ""},
        {"expression", points, ""},
        {"scale", {1, 1}, ""},
        {"translation", {1, 3}, ""},
        {"rotation", {1, 3, 3}, ""}}},
      {"portrait_appearance",
       &Vasa1Graphs::portrait_appearance,
       Runs::portrait,
       {{"image", image, pipeline}, source},
       {},
       false,
       true},
      {"speech",
       &Vasa1Graphs::speech,
       Runs::window,
       {{"samples", samples, pipeline}},
       {{"rows", {}, ""}},
       false,
       false,
       "",
       "prev_audio"},
      {"denoise",
       &Vasa1Graphs::denoise,
       Runs::window,
       {{"motion", motion, pipeline},
        {"prev_motion", before, pipeline},
        {"rows", {}, known.speech + ".rows"},
        {"step", {1}, pipeline},
        {"guidance", {1}, pipeline}},
       {{"clean", motion, ""}}},
  };
}

std::vector<Role> frame_roles(const Vasa1Spec& spec, const Vasa1Graphs& known) {
  const std::string pipeline(kPipeline);
  const Shape points{1, spec.keypoints, 3};
  const WantedPort source{"kp_source", points, known.portrait_motion + ".keypoints"};
  const WantedPort driving{"kp_driving", points, pipeline};
  const std::vector<WantedPort> change{{"change", points, ""}};
  const Role warp{
      "warp", &Vasa1Graphs::warp,       Runs::frame, {source, driving}, {{"warped", {}, ""}}, false,
      false,  known.portrait_appearance};
  return {
      warp,
      {"picture",
       &Vasa1Graphs::picture,
       Runs::frame,
       {{"warped", {}, known.warp + ".warped"}},
       {{"rgb", {1, 3, spec.side, spec.side}, ""}}},
      {"stitch",
       &Vasa1Graphs::stitch,
       Runs::frame,
       {source, driving},
       {{"stitched", points, ""}},
       !spec.stitching},
      {"retarget_eyes",
       &Vasa1Graphs::retarget_eyes,
       Runs::frame,
       {source, {"ratios", {1, 3}, pipeline}},
       change,
       true},
      {"retarget_lips",
       &Vasa1Graphs::retarget_lips,
       Runs::frame,
       {source, {"ratios", {1, 2}, pipeline}},
       change,
       true},
  };
}

}  // namespace

Vasa1Graphs read_roles(const Node& node, const Vasa1Spec& spec, const std::vector<GraphSpec>& graphs) {
  constexpr std::array<std::string_view, 9> kNames{
      "portrait_motion", "portrait_appearance", "speech",       "denoise", "warp", "picture",
      "stitch",          "retarget_eyes",       "retarget_lips"};
  for (const auto& [name, graph] : node.members(64)) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      graph.refuse("a role that this page does not list", "none of that name");
    }
  }
  // Names first: which graph an input must come from depends on them.
  Vasa1Graphs out;
  std::set<std::string> taken;
  const auto all = [&] {
    std::vector<Role> roles = portrait_and_window_roles(spec, out);
    for (Role& role : frame_roles(spec, out)) roles.push_back(std::move(role));
    return roles;
  };
  for (const Role& role : all()) {
    const std::string key(role.name);
    const auto found = role.optional ? node.find(key) : node.at(key);
    if (!found) continue;
    out.*role.graph = found->text(64);
    if (!taken.insert(out.*role.graph).second) found->refuse("a graph that has no role yet");
  }
  for (const Role& role : all()) {
    const std::string& name = out.*role.graph;
    if (name.empty()) continue;
    const Node named = node.at(std::string(role.name));
    const auto graph =
        std::find_if(graphs.begin(), graphs.end(), [&](const auto& g) { return g.name == name; });
    if (graph == graphs.end()) named.refuse("a graph that graphs lists");
    check_graph(named, role, *graph);
  }
  for (const GraphSpec& graph : graphs) {
    if (!taken.contains(graph.name)) node.refuse("no role for graph " + graph.name, "a role for each graph");
  }
  return out;
}

}  // namespace talkrt::plan
