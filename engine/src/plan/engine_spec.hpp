// SPDX-License-Identifier: Apache-2.0
//
// TensorRT engines of a plan: export/FORMAT.md, section 10.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace talkrt::plan {

class Plan;

using TensorRtVersion = std::array<int, 4>;  // major, minor, patch, build

struct EngineSpec {
  std::string tensor, graph;
  TensorRtVersion tensorrt{};  // that built it
  std::array<int, 2> compute_capability{};
  std::string gpu;                  // its name: engines are tuned for one model
  bool version_compatible = false;  // newer TensorRTs run it too
  std::string precision;
  std::string source;  // graph_source() of what it was built from
  // Of an engine without weights: their names in TensorRT, and the plan's tensors.
  std::vector<std::pair<std::string, std::string>> refit;
};

/// "11.4.0.106"
std::string described(const TensorRtVersion& version);

/// What the first bytes of a serialized engine say of the TensorRT that built it; nothing for other bytes.
std::optional<TensorRtVersion> engine_version(std::span<const std::byte> engine);

/// SHA-256 of a graph's ONNX model and weights, as 64 hexadecimal digits. Reads all of them.
std::string graph_source(const Plan& plan, const std::string& graph);

}  // namespace talkrt::plan
