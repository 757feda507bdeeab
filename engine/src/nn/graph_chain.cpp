// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/graph_chain.hpp"

#include <algorithm>
#include <set>
#include <talkrt/error.hpp>

namespace talkrt::nn {
namespace {

/// The graph in "<graph>.<output>", "" for a source.
std::string graph_of(const std::string& from) {
  const auto dot = from.find('.');
  return dot == from.npos ? std::string() : from.substr(0, dot);
}

}  // namespace

Instance& ChainInstance::step(std::string_view graph) const {
  const auto step =
      std::find_if(steps_.begin(), steps_.end(), [&](const Step& s) { return s.graph == graph; });
  if (step == steps_.end()) {
    throw Error(TALKRT_ERROR_NOT_FOUND, "graph " + std::string(graph) + " is not among those that run");
  }
  return *step->instance;
}

std::span<const float> ChainInstance::output(std::string_view graph, std::string_view name) const {
  return step(graph).output(name);
}

std::optional<DeviceOutput> ChainInstance::device_output(std::string_view graph,
                                                         std::string_view name) const {
  return step(graph).device_output(name);
}

void ChainInstance::run() {
  for (const Step& step : steps_) step.instance->run();
}

std::vector<const plan::GraphSpec*> GraphChain::needed(const plan::Plan& plan,
                                                       std::span<const std::string> wanted) {
  const auto& specs = plan.manifest().graphs;  // no graph precedes one that it reads
  std::set<std::string> needed(wanted.begin(), wanted.end());
  for (auto spec = specs.rbegin(); spec != specs.rend(); ++spec) {
    if (!needed.contains(spec->name)) continue;
    for (const plan::Port& port : spec->inputs) needed.insert(graph_of(port.from));
  }
  std::vector<const plan::GraphSpec*> out;
  for (const plan::GraphSpec& spec : specs) {
    if (needed.contains(spec.name)) out.push_back(&spec);
  }
  return out;
}

GraphChain::GraphChain(const plan::Plan& plan, Backend& backend, std::span<const std::string> wanted,
                       device::Budget& budget) {
  for (const plan::GraphSpec* spec : needed(plan, wanted)) {
    graphs_.push_back({spec, backend.open(plan, *spec, 1, &budget), {}});
  }
  for (Opened& opened : graphs_) {
    if (std::find(wanted.begin(), wanted.end(), opened.spec->name) != wanted.end()) continue;
    for (const plan::Port& port : opened.spec->outputs) {
      if (stays(opened, port.name)) opened.unread.push_back(port.name);
    }
  }
}

/// Whether all that read the output are on its graph's GPU.
bool GraphChain::stays(const Opened& opened, const std::string& output) const {
  const std::string from = opened.spec->name + "." + output;
  return std::all_of(graphs_.begin(), graphs_.end(), [&](const Opened& reader) {
    const auto& inputs = reader.spec->inputs;
    return reader.graph->gpu() == opened.graph->gpu() ||
           std::none_of(inputs.begin(), inputs.end(), [&](const auto& port) { return port.from == from; });
  });
}

ChainInstance GraphChain::instance(device::Budget& budget) const {
  ChainInstance out;
  for (const Opened& opened : graphs_) {
    std::vector<Link> links;
    for (const plan::Port& port : opened.spec->inputs) {
      const std::string graph = graph_of(port.from);
      if (graph.empty()) continue;
      const std::string_view output = std::string_view(port.from).substr(graph.size() + 1);
      links.push_back({port.name, &out.step(graph), output});
    }
    out.steps_.push_back({opened.spec->name, opened.graph->instance(&budget, {{}, links, opened.unread})});
    for (const plan::Port& port : opened.spec->inputs) {
      if (!graph_of(port.from).empty()) continue;
      out.inputs_.push_back({port.from, port.name, out.steps_.back().instance->input(port.name)});
    }
  }
  return out;
}

}  // namespace talkrt::nn
