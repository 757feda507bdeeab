// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr std::array<std::string_view, 3> kSources{"features", "controls", "pipeline"};

struct Reader {  // an input and where it stands
  const GraphSpec& graph;
  const Port& port;
  const Node& node;
};

/// The graph that `reader` reads, or the end where it reads no graph.
std::size_t source_of(const Reader& reader, const std::vector<GraphSpec>& graphs) {
  const std::string& from = reader.port.from;
  if (is_source(from)) return graphs.size();
  const std::string found = in_quotes(from) + " for input " + reader.graph.name + "." + reader.port.name;

  const auto dot = from.find('.');  // graph names hold none
  const auto graph = std::find_if(graphs.begin(), graphs.end(),
                                  [&](const GraphSpec& g) { return g.name == from.substr(0, dot); });
  if (dot == from.npos || graph == graphs.end()) {
    reader.node.refuse(found, "features, controls, pipeline or <graph>.<output>");
  }
  const auto output = std::find_if(graph->outputs.begin(), graph->outputs.end(),
                                   [&](const Port& p) { return p.name == from.substr(dot + 1); });
  if (output == graph->outputs.end()) {
    reader.node.refuse(found, "an output that graph " + graph->name + " has");
  }
  if (output->dtype != reader.port.dtype || output->shape != reader.port.shape) {
    reader.node.refuse(described(reader.port.dtype, reader.port.shape) + " for input " + reader.graph.name +
                           "." + reader.port.name,
                       described(output->dtype, output->shape) + " as " + from + " is");
  }
  if (graph->runs > reader.graph.runs) {
    reader.node.refuse(found, "a graph that runs no more often than " + reader.graph.name);
  }
  return static_cast<std::size_t>(graph - graphs.begin());
}

/// "a reads b reads a", among the graphs that cannot be placed: each of them waits for another one.
std::string cycle_text(const std::vector<GraphSpec>& graphs,
                       const std::vector<std::vector<std::size_t>>& sources,
                       const std::vector<bool>& placed) {
  const auto waits_for = [&](std::size_t g) {
    return *std::find_if(sources[g].begin(), sources[g].end(), [&](std::size_t s) { return !placed[s]; });
  };
  auto at = static_cast<std::size_t>(std::find(placed.begin(), placed.end(), false) - placed.begin());
  for (std::size_t i = 0; i < graphs.size(); ++i) at = waits_for(at);  // now surely on the cycle
  std::string text = graphs[at].name;
  for (std::size_t g = waits_for(at); g != at; g = waits_for(g)) text += " reads " + graphs[g].name;
  return text + " reads " + graphs[at].name;
}

}  // namespace

bool is_source(std::string_view name) {
  return std::find(kSources.begin(), kSources.end(), name) != kSources.end();
}

std::vector<GraphSpec> in_running_order(std::vector<GraphSpec> graphs, const Node& node) {
  std::vector<std::vector<std::size_t>> sources(graphs.size());
  for (std::size_t g = 0; g < graphs.size(); ++g) {
    for (const Port& port : graphs[g].inputs) {
      const std::size_t source = source_of({graphs[g], port, node}, graphs);
      if (source < graphs.size()) sources[g].push_back(source);
    }
  }
  // Takes, again and again, the first graph whose sources all stand already; 64 graphs at most.
  std::vector<GraphSpec> ordered;
  std::vector<bool> placed(graphs.size(), false);
  const auto ready = [&](std::size_t g) {
    return !placed[g] &&
           std::all_of(sources[g].begin(), sources[g].end(), [&](std::size_t s) { return placed[s]; });
  };
  while (ordered.size() < graphs.size()) {
    std::size_t next = 0;
    while (next < graphs.size() && !ready(next)) ++next;
    if (next == graphs.size()) {
      node.refuse("a cycle: " + cycle_text(graphs, sources, placed),
                  "graphs that do not wait for each other");
    }
    placed[next] = true;
    ordered.push_back(graphs[next]);
  }
  return ordered;
}

}  // namespace talkrt::plan
