// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>

#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kMaxEngines = 1024;
constexpr std::size_t kMaxWeights = 65'536;

/// "sm90-trt11.4.0.106" of "engine/<graph>/sm90-trt11.4.0.106".
std::string read_tensor(const Node& node, const std::string& graph) {
  std::string name = node.identifier(255);
  const std::string prefix = "engine/" + graph + "/";
  if (!name.starts_with(prefix) || name.find('/', prefix.size()) != name.npos || name == prefix) {
    node.refuse("a tensor's name that starts with " + prefix + " and has one part more");
  }
  return name;
}

std::vector<std::pair<std::string, std::string>> read_refit(const Node& node, const std::string& graph) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [weight, tensor] : node.members(kMaxWeights)) {
    std::string name = tensor.identifier(255);
    const std::string ours = "weight/" + graph + "/", own = "engine/" + graph + "/weights/";
    if (!name.starts_with(ours) && !name.starts_with(own)) {
      tensor.refuse("a tensor's name that starts with " + ours + " or " + own);
    }
    out.emplace_back(weight, std::move(name));
  }
  return out;
}

std::string read_source(const Node& node) {
  std::string hash = node.text(64);
  const bool hex = std::all_of(hash.begin(), hash.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hash.size() != 64 || !hex) node.refuse("a SHA-256, 64 digits of 0-9 a-f");
  return hash;
}

}  // namespace

std::vector<EngineSpec> read_engines(const Node& node, const Manifest& manifest) {
  std::vector<EngineSpec> out;
  std::set<std::string> names;
  for (const Node& item : node.items(0, kMaxEngines)) {
    EngineSpec engine;
    const Node graph = item.at("graph");
    engine.graph = graph.identifier(64);
    if (std::none_of(manifest.graphs.begin(), manifest.graphs.end(),
                     [&](const GraphSpec& listed) { return listed.name == engine.graph; })) {
      graph.refuse("a graph that the manifest lists");
    }
    engine.tensor = read_tensor(item.at("tensor"), engine.graph);
    if (!names.insert(engine.tensor).second) item.at("tensor").refuse("another tensor for each engine");
    const auto version = item.at("tensorrt").items(4, 4);
    for (std::size_t i = 0; i < version.size(); ++i) {
      engine.tensorrt[i] = static_cast<int>(version[i].integer(0, 255));
    }
    const auto compute = item.at("compute_capability").items(2, 2);
    engine.compute_capability = {static_cast<int>(compute[0].integer(1, 99)),
                                 static_cast<int>(compute[1].integer(0, 9))};
    engine.gpu = item.at("gpu").text(255);
    engine.version_compatible = item.at("version_compatible").boolean();
    engine.precision = item.at("precision").text(64);
    engine.source = read_source(item.at("source"));
    if (const auto refit = item.find("refit")) engine.refit = read_refit(*refit, engine.graph);
    out.push_back(std::move(engine));
  }
  return out;
}

}  // namespace talkrt::plan
