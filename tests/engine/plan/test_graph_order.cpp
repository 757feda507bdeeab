// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/plan/editable_plan.hpp"

namespace talkrt::plan {
namespace {

using nlohmann::json;

/// A plan of another model with graphs a, b, ... that read one another as `sources` says.
EditablePlan graphs(const std::vector<std::pair<std::string, std::string>>& sources) {
  EditablePlan plan{{{"format", "talkrt.plan"},
                     {"format_version", 1},
                     {"model", "musetalk"},
                     {"name", "graphs"},
                     {"audio", {{"sample_rate", 16000}}},
                     {"video", {{"width", 8}, {"height", 8}, {"fps", {25, 1}}}},
                     {"graphs", json::array()}},
                    {}};
  for (const auto& [name, from] : sources) {
    const json y = {{"name", "y"}, {"dtype", "F16"}, {"shape", {2, 2}}};
    json x = y;
    x["name"] = "x";
    x["from"] = from;
    plan.manifest["graphs"].push_back({{"name", name}, {"runs", "frame"}, {"inputs", {x}}, {"outputs", {y}}});
    plan.tensors["graph/" + name] = {DType::u8, {1}, {std::byte{8}}};
  }
  return plan;
}

std::string order_of(const EditablePlan& plan) {
  const auto bytes = plan.bytes();
  const Plan read(bytes, "memory");
  std::string order;
  for (const GraphSpec& graph : read.manifest().graphs) order += graph.name;
  return order;
}

TEST(GraphOrder, is_as_listed_where_nothing_forbids_it) {
  EXPECT_EQ(order_of(graphs({{"b", "features"}, {"a", "controls"}, {"c", "b.y"}, {"d", "pipeline"}})),
            "bacd");
}

TEST(GraphOrder, puts_sources_before_readers) {
  EXPECT_EQ(order_of(graphs({{"d", "c.y"}, {"c", "b.y"}, {"b", "a.y"}, {"a", "features"}})), "abcd");
}

TEST(GraphOrder, refuses_a_cycle_and_names_only_its_graphs) {
  const std::string refusal =
      graphs({{"tail", "b.y"}, {"a", "c.y"}, {"b", "a.y"}, {"c", "b.y"}, {"free", "features"}}).refusal();
  EXPECT_NE(refusal.find("a cycle: "), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("a reads c reads b reads a"), std::string::npos) << refusal;
  EXPECT_EQ(refusal.find("tail"), std::string::npos) << refusal;
}

TEST(GraphOrder, takes_sixty_four_graphs_in_the_worst_order) {
  std::vector<std::pair<std::string, std::string>> sources;
  for (int g = 63; g > 0; --g)
    sources.emplace_back("g" + std::to_string(g), "g" + std::to_string(g - 1) + ".y");
  sources.emplace_back("g0", "features");
  EXPECT_TRUE(order_of(graphs(sources)).starts_with("g0g1g2"));
  sources.emplace_back("g64", "features");
  EXPECT_NE(graphs(sources).refusal().find("an array of 65"), std::string::npos);
}

TEST(GraphOrder, lets_a_frequent_graph_read_a_rare_one_only) {
  EditablePlan plan = graphs({{"a", "features"}, {"b", "a.y"}});
  plan.manifest["graphs"][0]["runs"] = "avatar";
  EXPECT_EQ(plan.refusal(), "");
  plan.manifest["graphs"][1]["runs"] = "avatar";
  plan.manifest["graphs"][0]["runs"] = "clip";
  EXPECT_NE(plan.refusal().find("runs no more often than b"), std::string::npos);
}

}  // namespace
}  // namespace talkrt::plan
