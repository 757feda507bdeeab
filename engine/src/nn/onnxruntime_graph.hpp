// SPDX-License-Identifier: Apache-2.0
//
// A graph of a plan in ONNX Runtime on the CPU. Immutable; runs of several instances may overlap.
#pragma once

#include <memory>
#include <string_view>

#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/onnxruntime_weights.hpp"

namespace talkrt::nn {

class OnnxRuntimeGraph final : public Graph {
 public:
  /// Throws PLAN_CORRUPT when graph and manifest disagree, PLAN_UNSUPPORTED for ports that are not F32,
  /// BACKEND_FAILED when ONNX Runtime refuses the graph.
  OnnxRuntimeGraph(std::shared_ptr<const OnnxRuntimeLibrary> library, const plan::Plan& plan,
                   const plan::GraphSpec& spec, int threads);

  [[nodiscard]] std::unique_ptr<Instance> instance(device::Budget* budget,
                                                   std::span<const Shared> shared) const override;
  [[nodiscard]] std::string_view backend() const noexcept override { return "onnxruntime-cpu"; }
  [[nodiscard]] std::size_t bytes() const noexcept override { return weights_.bytes_beside_plan(); }

  [[nodiscard]] const OnnxRuntimeLibrary& library() const noexcept { return *library_; }
  [[nodiscard]] const plan::Plan& plan() const noexcept { return plan_; }
  [[nodiscard]] const plan::GraphSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] OrtSession* session() const noexcept { return session_.get(); }

 private:
  std::shared_ptr<const OnnxRuntimeLibrary> library_;
  const plan::Plan& plan_;
  plan::GraphSpec spec_;
  device::Budget account_;
  OnnxRuntimeWeights weights_;
  Handle<OrtSession> session_;
};

}  // namespace talkrt::nn
