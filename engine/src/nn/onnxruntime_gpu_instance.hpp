// SPDX-License-Identifier: Apache-2.0
//
// One session's use of a graph in ONNX Runtime on a GPU: its tensors lie there, and a run is put on the
// stream of all such graphs.
#pragma once

#include "engine/src/nn/gpu_ports.hpp"
#include "engine/src/nn/onnxruntime_run.hpp"

namespace talkrt::nn {

class OnnxRuntimeGpuInstance final : public Instance {
 public:
  /// `graph` must outlive this.
  OnnxRuntimeGpuInstance(const OnnxRuntimeGraph& graph, device::Budget* budget, const Ties& ties);

  [[nodiscard]] std::span<float> input(std::string_view name) override { return ports_.input(name); }
  [[nodiscard]] std::span<const float> output(std::string_view name) const override {
    return ports_.output(name);
  }
  [[nodiscard]] std::optional<DeviceOutput> device_output(std::string_view name) const override {
    return ports_.device_output(name);
  }
  void warm() override;
  void reset() override;
  /// Page-locked, and what ONNX Runtime takes on the host.
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::pinned) + account_.used(device::MemoryKind::host);
  }

 private:
  void execute() override;

  const OnnxRuntimeGraph& graph_;
  device::Budget account_;
  GpuPorts ports_;
  OnnxRuntimeRun run_;
};

}  // namespace talkrt::nn
