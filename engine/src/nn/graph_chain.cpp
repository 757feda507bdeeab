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

std::span<const float> ChainInstance::output(std::string_view graph, std::string_view name) const {
  const auto step =
      std::find_if(steps_.begin(), steps_.end(), [&](const Step& s) { return s.graph == graph; });
  if (step == steps_.end()) {
    throw Error(TALKRT_ERROR_NOT_FOUND, "graph " + std::string(graph) + " is not among those that run");
  }
  return step->instance->output(name);
}

void ChainInstance::run() {
  for (const Step& step : steps_) {
    for (const Link& link : step.links) std::copy(link.from.begin(), link.from.end(), link.to.begin());
    step.instance->run();
  }
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
    graphs_.push_back({spec, backend.open(plan, *spec, 1, &budget)});
  }
}

ChainInstance GraphChain::instance(device::Budget& budget) const {
  ChainInstance out;
  for (const Opened& opened : graphs_) {
    ChainInstance::Step step{opened.spec->name, opened.graph->instance(&budget), {}};
    for (const plan::Port& port : opened.spec->inputs) {
      const std::span<float> values = step.instance->input(port.name);
      if (const std::string graph = graph_of(port.from); graph.empty()) {
        out.inputs_.push_back({port.from, port.name, values});
      } else {
        step.links.push_back({out.output(graph, port.from.substr(graph.size() + 1)), values});
      }
    }
    out.steps_.push_back(std::move(step));
  }
  return out;
}

}  // namespace talkrt::nn
