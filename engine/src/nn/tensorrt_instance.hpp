// SPDX-License-Identifier: Apache-2.0
//
// One session's use of a TensorRT engine: a context in memory of ours, on a stream that it shares with the
// instances it is linked to. From its second run on a run is one CUDA graph: inputs in, the engine, outputs
// out, states back to where the next run reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/gpu_ports.hpp"
#include "engine/tensorrt/module.hpp"

namespace talkrt::nn {

class TensorRtGraph;

class TensorRtInstance final : public Instance {
 public:
  /// `graph` must outlive this.
  TensorRtInstance(const TensorRtGraph& graph, device::Budget* budget, const Ties& ties);
  ~TensorRtInstance() override;

  [[nodiscard]] std::span<float> input(std::string_view name) override { return ports_.input(name); }
  [[nodiscard]] std::span<const float> output(std::string_view name) const override {
    return ports_.output(name);
  }
  [[nodiscard]] std::optional<DeviceOutput> device_output(std::string_view name) const override {
    return ports_.device_output(name);
  }
  void warm() override;
  void reset() override;
  /// Page-locked.
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::pinned);
  }

 private:
  void execute() override;
  void enqueue();
  void bind(const GpuPorts::Port& port);

  const TensorRtGraph& graph_;
  device::Budget account_;
  GpuPorts ports_;
  device::Buffer activations_;
  tensorrt::Context* context_ = nullptr;
  bool ran_ = false, capturable_ = true;
  std::optional<device::CudaGraph> captured_;
};

}  // namespace talkrt::nn
