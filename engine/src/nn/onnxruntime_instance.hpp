// SPDX-License-Identifier: Apache-2.0
//
// One session's use of a graph in ONNX Runtime on the CPU: one block of memory for every port of its own.
// What is shared, and outputs of other instances, are read where they are.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/onnxruntime_run.hpp"

namespace talkrt::nn {

class OnnxRuntimeInstance final : public Instance {
 public:
  /// `graph` must outlive this.
  OnnxRuntimeInstance(const OnnxRuntimeGraph& graph, device::Budget* budget, const Ties& ties);

  [[nodiscard]] std::span<float> input(std::string_view name) override;
  [[nodiscard]] std::span<const float> output(std::string_view name) const override;
  void warm() override;
  void reset() override;
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::host);
  }

 private:
  struct Port {
    std::string name;
    std::span<float> data;
  };
  struct State {
    std::span<float> first;              // of its two copies
    std::span<const std::byte> initial;  // inside the plan; empty: zeros
  };

  void execute() override { run_.run(); }

  const OnnxRuntimeGraph& graph_;
  device::Budget account_;
  device::Buffer memory_;
  std::vector<Port> inputs_, outputs_;
  std::vector<State> states_;
  OnnxRuntimeRun run_;
};

}  // namespace talkrt::nn
