// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnx_weights.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <talkrt/error.hpp>

#include "tests/engine/nn/onnx_builder.hpp"

namespace talkrt::nn {
namespace {

std::vector<ExternalWeight> weights(const std::string& model) {
  return external_weights(std::as_bytes(std::span(model)), "x.plan: graph/g");
}

/// Empty when the model was accepted.
std::string refusal(const std::string& model) {
  try {
    weights(model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_PLAN_CORRUPT);
    EXPECT_TRUE(std::string(error.what()).starts_with("x.plan: graph/g: ")) << error.what();
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string with_initializer(const std::string& tensor) {
  return onnx::model(onnx::Graph{.initializers = {tensor}}.bytes());
}

std::string with_node(const std::string& node) { return onnx::model(onnx::Graph{.nodes = {node}}.bytes()); }

const std::string kOutside = onnx::external_at("w", {2}, "/etc/passwd");

TEST(ExternalWeights, are_found_with_type_shape_and_location) {
  const auto found =
      weights(with_initializer(onnx::external("layer.weight", {3, 5},
                                              {onnx::entry("location", "weight/g/layer.weight"),
                                               onnx::entry("offset", "0"), onnx::entry("length", "60")})));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "layer.weight");
  EXPECT_EQ(found[0].location, "weight/g/layer.weight");
  EXPECT_EQ(found[0].offset, "0");
  EXPECT_EQ(found[0].length, "60");
  EXPECT_EQ(found[0].onnx_type, 1);
  EXPECT_EQ(found[0].shape, (std::vector<std::int64_t>{3, 5}));
}

TEST(ExternalWeights, that_products_multiply_by_are_told_from_others) {
  const auto at = [](const char* name) { return onnx::external_at(name, {2, 2}, name); };
  const onnx::Graph graph{
      .nodes = {onnx::node("Cast", {"half"}, {"float"}), onnx::node("MatMul", {"x", "float"}, {"a"}),
                onnx::node("Gemm", {"a", "matrix", "bias"}, {"b"}),
                onnx::node("MatMul", {"left", "b"}, {"c"}), onnx::node("Gather", {"table", "x"}, {"d"}),
                onnx::node("MatMul", {"c"}, {})},
      .initializers = {at("half"), at("matrix"), at("bias"), at("left"), at("table")}};
  std::string multiplied;
  for (const ExternalWeight& weight : weights(onnx::model(graph.bytes()))) {
    if (weight.multiplied) multiplied += weight.name + " ";
  }
  EXPECT_EQ(multiplied, "half matrix ");
}

TEST(ExternalWeights, are_found_however_the_message_is_encoded) {
  // Entries with the value before the key, packed dimensions, the flag alone, the entries without the flag.
  const std::string packed = onnx::field(1, onnx::varint(3) + onnx::varint(300)) + onnx::field(2, 1) +
                             onnx::field(8, "w") + onnx::field(13, onnx::entry("location", "here", true));
  const auto found = weights(with_initializer(packed));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].location, "here");
  EXPECT_EQ(found[0].shape, (std::vector<std::int64_t>{3, 300}));
  EXPECT_EQ(weights(with_initializer(onnx::field(8, "w") + onnx::field(14, 1))).size(), 1u);
}

TEST(ExternalWeights, of_a_model_that_holds_its_weights_are_none) {
  EXPECT_TRUE(weights(with_initializer(onnx::floats("w", {2}, {1, 2}))).empty());
  EXPECT_TRUE(weights("").empty());
}

TEST(ExternalWeights, hidden_anywhere_but_in_the_main_graph_are_refused) {
  const std::string constant = onnx::node("Constant", {}, {"c"}, {onnx::tensor_attribute("value", kOutside)});
  const std::string inner = onnx::Graph{.initializers = {kOutside}}.bytes();
  const std::string inner_constant = onnx::Graph{.nodes = {constant}}.bytes();
  const std::string list = onnx::field(1, "values") + onnx::field(10, kOutside);
  const std::string graphs = onnx::field(1, "bodies") + onnx::field(11, inner);
  const std::string sparse = onnx::field(1, "sparse") + onnx::field(22, onnx::field(2, kOutside));
  const std::string models[] = {
      with_node(constant),
      with_node(onnx::node("If", {"x"}, {"y"}, {onnx::graph_attribute("then_branch", inner)})),
      with_node(onnx::node("Loop", {}, {}, {onnx::graph_attribute("body", inner_constant)})),
      with_node(onnx::node("Any", {}, {}, {list})),
      with_node(onnx::node("Any", {}, {}, {graphs})),
      with_node(onnx::node("Any", {}, {}, {sparse})),
      onnx::model("" + onnx::field(15, onnx::field(1, kOutside))),  // sparse_initializer
      onnx::model("") + onnx::field(25, onnx::field(7, constant)),  // function
      onnx::model("") + onnx::field(25, onnx::field(11, onnx::tensor_attribute("a", kOutside))),
      onnx::model("") + onnx::field(20, onnx::field(1, inner)),                    // training_info
      onnx::model("") + onnx::field(7, onnx::Graph{.nodes = {constant}}.bytes()),  // a second graph is merged
  };
  for (const std::string& model : models) {
    EXPECT_TRUE(contains(refusal(model), "external data at \"/etc/passwd\"")) << &model - models;
  }
}

TEST(ExternalWeights, with_keys_that_could_lead_elsewhere_are_refused) {
  const auto entries = [](const std::string& first, const std::string& second) {
    return with_initializer(
        onnx::external("w", {2}, {onnx::entry("location", "here"), onnx::entry(first, second)}));
  };
  EXPECT_TRUE(contains(refusal(entries("prepacked_0", "file")), "unknown external_data key \"prepacked_0\""));
  EXPECT_TRUE(contains(refusal(entries("location", "there")), "repeats external_data \"location\""));
}

TEST(ExternalWeights, nesting_without_end_is_refused_and_does_not_exhaust_the_stack) {
  std::string graph = onnx::Graph{}.bytes();
  for (int depth = 0; depth < 2000; ++depth) {
    graph = onnx::Graph{.nodes = {onnx::node("If", {}, {}, {onnx::graph_attribute("then_branch", graph)})}}
                .bytes();
  }
  EXPECT_TRUE(contains(refusal(onnx::model(graph)), "nested deeper"));
}

TEST(ExternalWeights, bytes_that_are_no_protobuf_are_refused) {
  const std::string good = with_initializer(onnx::external_at("w", {2, 2}, "weight/g/w"));
  for (const std::string& bad :
       {std::string("\x3b"), std::string(11, '\xff'), std::string("\x3a\xff\xff\xff\xff\x0f"),
        std::string(1, '\0'), onnx::field(7, "\x0f"),
        std::string("\x3a\x05"
                    "abc")}) {
    EXPECT_NE(refusal(bad), "");
  }
  for (std::size_t length = 1; length < good.size(); ++length) {
    try {
      weights(good.substr(0, length));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_PLAN_CORRUPT);
    }
  }
  EXPECT_NE(refusal(with_initializer(onnx::external_at("w", onnx::Shape(9, 1), "weight/g/w"))), "");
}

TEST(ExternalWeights, random_damage_never_does_more_than_refuse) {
  const std::string good =
      with_initializer(onnx::external_at("w", {2, 2}, "weight/g/w")) +
      onnx::field(
          7,
          onnx::Graph{.nodes = {onnx::node("Any", {"x"}, {"y"}, {onnx::tensor_attribute("t", "")})}}.bytes());
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (unsigned change = 0; change < 1 + random() % 4; ++change) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    try {
      weights(bad);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), TALKRT_ERROR_PLAN_CORRUPT);
    }
  }
}

}  // namespace
}  // namespace talkrt::nn
