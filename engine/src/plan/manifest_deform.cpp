// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kMaxDeforms = 16;
constexpr std::int64_t kBlock = 16;  // Gaussians in a block
constexpr std::size_t kMaxWidths = 8;
constexpr std::int64_t kMaxWidth = 256;
constexpr std::int64_t kMaxAttentionLayers = 4;
constexpr std::int64_t kMaxHeads = 8;
constexpr std::int64_t kMaxTokens = 8;
constexpr int kMaxAttended = 32;

struct Attribute {
  std::string_view name;
  std::int64_t numbers;  // of a Gaussian; 1: a vector
};
constexpr std::array<Attribute, 5> kAttributes{
    {{"means", 3}, {"quats", 4}, {"scales", 3}, {"opacities", 1}, {"colors", 3}}};

const GraphSpec& graph_of_every_frame(const Node& node, const std::string& name, const Manifest& manifest) {
  const auto found = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                  [&](const GraphSpec& graph) { return graph.name == name; });
  if (found == manifest.graphs.end()) node.refuse("a graph that the manifest lists");
  if (found->runs != Runs::frame) node.refuse("a graph that runs per frame");
  return *found;
}

std::vector<std::string> read_outputs(const Node& node, const GraphSpec& graph, int count) {
  std::vector<std::string> names;
  for (const Port& port : graph.outputs) {
    const std::string what =
        described(port.dtype, port.shape) + " for output " + graph.name + "." + port.name;
    const auto known = std::find_if(kAttributes.begin(), kAttributes.end(),
                                    [&](const Attribute& a) { return a.name == port.name; });
    if (known == kAttributes.end()) {
      node.refuse("of a graph with an output " + in_quotes(port.name),
                  "outputs of means quats scales opacities colors");
    }
    std::vector<std::int64_t> shape{count};
    if (known->numbers > 1) shape.push_back(known->numbers);
    if (port.dtype != DType::f32 || port.shape != shape) node.refuse(what, described(DType::f32, shape));
    names.push_back(port.name);
  }
  if (!graph.states.empty()) node.refuse("of a graph with states", "one without");
  if (std::find(names.begin(), names.end(), "means") == names.end()) {
    node.refuse("of a graph that outputs no means", "one that does");
  }
  return names;
}

/// Where in the last layer's numbers an attribute's are.
void read_offsets(const Node& node, const Deform& deform, DeformNetwork& out) {
  const std::int64_t width = out.widths.back();
  std::vector<bool> taken(static_cast<std::size_t>(width), false);
  for (const auto& [name, value] : node.members(16)) {
    const auto known = std::find_if(kAttributes.begin(), kAttributes.end(),
                                    [&, n = &name](const Attribute& a) { return a.name == *n; });
    if (known == kAttributes.end() || known - kAttributes.begin() > 2) {
      value.refuse("an attribute named " + in_quotes(name), "one of means quats scales",
                   TALKRT_ERROR_PLAN_UNSUPPORTED);
    }
    if (!deform.has(name)) value.refuse("present", "none, since graph " + deform.graph + " outputs none");
    const std::int64_t at = value.integer(0, kMaxWidth);
    if (at + known->numbers > width) {
      value.refuse(std::to_string(at), "an offset of " + std::to_string(known->numbers) + " numbers among " +
                                           std::to_string(width));
    }
    for (std::int64_t i = at; i < at + known->numbers; ++i) {
      if (taken[static_cast<std::size_t>(i)]) value.refuse("numbers that no other attribute has");
      taken[static_cast<std::size_t>(i)] = true;
    }
    const std::array<int*, 3> offsets{&out.means, &out.quats, &out.scales};
    *offsets[static_cast<std::size_t>(known - kAttributes.begin())] = static_cast<int>(at);
  }
  for (const std::string& output : deform.outputs) {
    if (!node.find(output))
      node.refuse("without " + in_quotes(output), "what graph " + deform.graph + " outputs");
  }
}

/// The graph and its output that an entry's mix comes from.
std::pair<std::string, std::string> read_mix(const Node& node, std::span<const std::int64_t> shape,
                                             const Manifest& manifest) {
  const std::string mix = node.identifier(200);
  const auto dot = mix.find('.');
  if (dot == mix.npos) node.refuse("<graph>.<output>");
  std::pair<std::string, std::string> out{mix.substr(0, dot), mix.substr(dot + 1)};
  const GraphSpec& graph = graph_of_every_frame(node, out.first, manifest);
  const auto output = std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                   [&](const Port& port) { return port.name == out.second; });
  if (output == graph.outputs.end()) node.refuse("an output that graph " + graph.name + " has");
  if (output->dtype != DType::f32 ||
      !std::equal(output->shape.begin(), output->shape.end(), shape.begin(), shape.end())) {
    node.refuse(described(output->dtype, output->shape), described(DType::f32, shape));
  }
  return out;
}

/// What `network` says of scales, which move where `moves`.
ScaleActivation read_scale(const Node& network, bool moves) {
  if (!moves) {
    if (const auto scale = network.find("scale"))
      scale->refuse("present", "none, since no scales are output");
    return {};
  }
  const Node scale = network.at("scale");
  const std::string activation = scale.text(64);
  if (activation != "softplus" && activation != "exp") {
    scale.refuse("one of softplus exp", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
  return activation == "exp" ? ScaleActivation::exp : ScaleActivation::softplus;
}

DeformNetwork read_layers(const Node& node, const Deform& deform, const Manifest& manifest) {
  DeformNetwork out;
  out.attention = static_cast<int>(node.at("attention").integer(0, kMaxWidth));
  for (const Node& width : node.at("widths").items(2, kMaxWidths)) {
    out.widths.push_back(static_cast<int>(width.integer(1, kMaxWidth)));
  }
  const std::array<std::int64_t, 2> mix{std::max(out.attention, 1), out.widths.front()};
  std::tie(out.mix_graph, out.mix_output) = read_mix(node.at("mix"), mix, manifest);
  read_offsets(node.at("outputs"), deform, out);
  out.scale_activation = read_scale(node, out.scales >= 0);
  return out;
}

/// A branch of the network has what the graph has, its SH where the graph has colours.
std::string graph_output_of(std::string_view branch) {
  return std::string(branch == "sh" ? "colors" : branch);
}

void read_branches(const Node& node, const Deform& deform, AttentionNetwork& out) {
  const std::array<std::pair<std::string_view, int*>, 5> branches{{{"means", &out.means},
                                                                   {"quats", &out.quats},
                                                                   {"scales", &out.scales},
                                                                   {"opacities", &out.opacities},
                                                                   {"sh", &out.sh}}};
  for (const auto& [name, value] : node.members(16)) {
    const auto known = std::find_if(branches.begin(), branches.end(),
                                    [&, n = &name](const auto& branch) { return branch.first == *n; });
    if (known == branches.end()) {
      value.refuse("an attribute named " + in_quotes(name), "one of means quats scales opacities sh",
                   TALKRT_ERROR_PLAN_UNSUPPORTED);
    }
    if (!deform.has(graph_output_of(name))) {
      value.refuse("present", "none, since graph " + deform.graph + " outputs no " + graph_output_of(name));
    }
    *known->second = static_cast<int>(value.integer(1, kMaxWidth));
  }
  for (const auto& [name, width] : branches) {
    if (*width == 0 && deform.has(graph_output_of(name))) {
      node.refuse("without " + in_quotes(name), "what graph " + deform.graph + " outputs");
    }
  }
}

AttentionNetwork read_attention(const Node& node, const Deform& deform, const Manifest& manifest) {
  AttentionNetwork out;
  out.layers = static_cast<int>(node.at("layers").integer(1, kMaxAttentionLayers));
  out.width = static_cast<int>(node.at("width").integer(1, kMaxWidth));
  out.hidden = static_cast<int>(node.at("hidden").integer(1, kMaxWidth));
  out.heads = static_cast<int>(node.at("heads").integer(1, kMaxHeads));
  const Node tokens = node.at("tokens");
  out.tokens = static_cast<int>(tokens.integer(1, kMaxTokens));
  if (out.attended() > kMaxAttended) {
    tokens.refuse(std::to_string(out.tokens) + " for each of " + std::to_string(out.heads) + " heads",
                  "at most " + std::to_string(kMaxAttended) + " together");
  }
  const std::array<std::int64_t, 1> mix{out.mix_floats()};
  std::tie(out.mix_graph, out.mix_output) = read_mix(node.at("mix"), mix, manifest);
  read_branches(node.at("outputs"), deform, out);
  out.scale_activation = read_scale(node, out.scales > 0);
  return out;
}

void read_network(const Node& node, const Manifest& manifest, Deform& out) {
  const auto kind = node.find("kind");
  const std::string named = kind ? kind->text(64) : "layers";
  if (named == "layers") {
    out.network = read_layers(node, out, manifest);
  } else if (named == "attention") {
    out.attention = read_attention(node, out, manifest);
  } else {
    kind->refuse("one of layers attention", TALKRT_ERROR_PLAN_UNSUPPORTED);
  }
}

}  // namespace

std::vector<Deform> read_deforms(const Node& node, const Manifest& manifest) {
  std::vector<Deform> out;
  std::int64_t least = 0;  // where the next entry may begin
  for (const Node& item : node.items(1, kMaxDeforms)) {
    Deform deform;
    const Node name = item.at("graph"), first = item.at("first");
    deform.graph = name.identifier(64);
    for (const Deform& other : out) {
      if (other.graph == deform.graph) name.refuse("a graph of no other entry");
    }
    deform.first = static_cast<int>(first.integer(least, manifest.gaussian->count - 1));
    if (deform.first % kBlock != 0) first.refuse("a multiple of 16");
    deform.count = static_cast<int>(item.at("count").integer(1, manifest.gaussian->count - deform.first));
    least = std::int64_t{deform.first} + deform.count;
    deform.outputs = read_outputs(name, graph_of_every_frame(name, deform.graph, manifest), deform.count);
    if (const auto network = item.find("network")) read_network(*network, manifest, deform);
    out.push_back(std::move(deform));
  }
  for (const Deform& deform : out) {  // only now are all the entries' graphs known
    const std::string mix = deform.network     ? deform.network->mix_graph
                            : deform.attention ? deform.attention->mix_graph
                                               : "";
    const bool moves = std::any_of(out.begin(), out.end(), [&](const Deform& d) { return d.graph == mix; });
    if (moves) node.refuse("an entry whose mix comes from graph " + mix, "a graph that is no entry's own");
  }
  return out;
}

}  // namespace talkrt::plan
