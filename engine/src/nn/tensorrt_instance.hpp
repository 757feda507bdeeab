// SPDX-License-Identifier: Apache-2.0
//
// One session's use of a TensorRT engine: a context in memory of ours, a stream, page-locked inputs and
// outputs with twins on the GPU. From its second run on a run is one CUDA graph: inputs in, the engine,
// outputs out, states back to where the next run reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_driver.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/tensorrt/module.hpp"

namespace talkrt::nn {

class TensorRtGraph;

class TensorRtInstance final : public Instance {
 public:
  /// `graph` must outlive this.
  TensorRtInstance(const TensorRtGraph& graph, device::Budget* budget, std::span<const Shared> shared);
  ~TensorRtInstance() override;

  [[nodiscard]] std::span<float> input(std::string_view name) override;
  [[nodiscard]] std::span<const float> output(std::string_view name) const override;
  void warm() override;
  void reset() override;
  /// Page-locked.
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::pinned);
  }

 private:
  /// Where everything lies, in bytes: on the host the first two parts, on the GPU all of them.
  struct Layout {
    struct Port {
      std::string name;
      std::size_t at = 0, bytes = 0;
    };
    std::vector<Port> inputs, outputs, states, shared;  // states: as inputs; their outputs lie behind them
    std::size_t outputs_at = 0, states_at = 0, written_at = 0, shared_at = 0, end = 0;

    Layout(const plan::GraphSpec& spec, std::span<const Shared> given);
  };

  void execute() override;
  void enqueue();
  void bind(const std::string& name, std::size_t at);

  const TensorRtGraph& graph_;
  device::Budget account_;
  Layout layout_;
  device::CudaStream stream_;
  device::CudaMemory pinned_, memory_, activations_;
  std::vector<std::span<const float>> shared_;
  tensorrt::Context* context_ = nullptr;
  bool ran_ = false, capturable_ = true;
  std::unique_ptr<device::CudaGraph> captured_;
};

}  // namespace talkrt::nn
