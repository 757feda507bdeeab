// SPDX-License-Identifier: Apache-2.0
//
// One session's use of an ONNX Runtime graph: one block of memory for every port that is not shared, bound
// once. States exist twice, and two bindings differ in which copy is read and which is written, so feeding
// back copies nothing.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/scratch.hpp"

namespace talkrt::nn {

class OnnxRuntimeGraph;

class OnnxRuntimeInstance final : public Instance {
 public:
  /// `graph` must outlive this.
  OnnxRuntimeInstance(const OnnxRuntimeGraph& graph, device::Budget* budget, std::span<const Shared> shared);

  [[nodiscard]] std::span<float> input(std::string_view name) override;
  [[nodiscard]] std::span<const float> output(std::string_view name) const override;
  void warm() override;
  void reset() override;
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::host);
  }

 private:
  struct Bound {
    std::string name;
    std::span<float> data;
    Handle<OrtValue> value;
  };
  struct Feedback {
    std::array<Bound, 2> copies;         // of one state
    std::span<const std::byte> initial;  // inside the plan; empty: zeros
  };

  void execute() override;
  Bound bind(const std::string& name, std::span<const std::int64_t> shape, std::span<float>& free) const;
  Bound wrap(const std::string& name, std::span<const std::int64_t> shape, std::span<float> data) const;
  void make_binding(int reads);

  const OnnxRuntimeGraph& graph_;
  device::Budget account_;
  device::Buffer memory_;
  Scratch scratch_;
  bool ran_ = false;
  std::vector<Bound> inputs_, shared_, outputs_;
  std::vector<Feedback> states_;
  std::array<Handle<OrtIoBinding>, 2> bindings_;  // [i] reads copy i of each state and writes the other
  Handle<OrtRunOptions> run_options_;
  int reads_ = 0;
};

}  // namespace talkrt::nn
