// SPDX-License-Identifier: Apache-2.0
//
// tests/data/tiny.plan with one more graph, named "probe", in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/src/plan/plan.hpp"

namespace talkrt {

class ProbePlan {
 public:
  struct Tensor {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::vector<float> values;  // their bytes, whatever dtype says
  };

  /// `entry` is the graph's part of the manifest without name and runs. `misalign` puts the data of the
  /// tensors at odd addresses. `engines`: the manifest's.
  ProbePlan(const std::string& model, nlohmann::json entry, const std::map<std::string, Tensor>& tensors = {},
            bool misalign = false, const nlohmann::json& engines = nlohmann::json::array()) {
    std::ifstream file(TALKRT_TEST_DATA "/tiny.plan", std::ios::binary);
    const std::string tiny{std::istreambuf_iterator<char>(file), {}};
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, tiny.data(), 8);
    auto header = nlohmann::json::parse(tiny.substr(8, header_bytes));
    auto manifest = nlohmann::json::parse(header["__metadata__"]["talkrt.plan"].get<std::string>());
    std::string data = tiny.substr(8 + header_bytes);

    const auto add = [&](const std::string& name, const std::string& dtype, const nlohmann::json& shape,
                         const std::string& bytes) {
      header[name] = {
          {"dtype", dtype}, {"shape", shape}, {"data_offsets", {data.size(), data.size() + bytes.size()}}};
      data += bytes;
    };
    // Tensors of four-byte elements start right or wrong by one.
    const std::size_t pad = (8 + (misalign ? 1 : 0) - data.size() % 4) % 4;
    if (pad != 0) add("pad", "U8", {pad}, std::string(pad, 'x'));
    for (const auto& [name, tensor] : tensors) {
      add(name, tensor.dtype, tensor.shape,
          {reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float)});
    }
    add("graph/probe", "U8", {model.size()}, model);
    entry["name"] = "probe";
    entry["runs"] = "frame";
    manifest["graphs"].push_back(entry);
    manifest["engines"] = engines;
    header["__metadata__"]["talkrt.plan"] = manifest.dump();

    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    const std::uint64_t size = text.size();
    // operator new aligns the string's bytes to 16, so data keeps its place modulo 8.
    file_.assign(reinterpret_cast<const char*>(&size), 8);
    file_ += text + data;
    plan_ = std::make_unique<plan::Plan>(std::as_bytes(std::span(file_)), "probe.plan");
  }

  [[nodiscard]] const plan::Plan& plan() const { return *plan_; }
  [[nodiscard]] const plan::GraphSpec& spec() const {
    for (const auto& graph : plan_->manifest().graphs) {
      if (graph.name == "probe") return graph;
    }
    throw std::logic_error("the plan lost its graph");
  }

 private:
  std::string file_;
  std::unique_ptr<plan::Plan> plan_;
};

}  // namespace talkrt
