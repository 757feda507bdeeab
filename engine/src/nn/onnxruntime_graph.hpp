// SPDX-License-Identifier: Apache-2.0
//
// A graph of a plan in ONNX Runtime, on the CPU or a GPU. Immutable; runs of several instances may overlap.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "engine/src/device/charge.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/onnxruntime_cuda.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/onnxruntime_memory.hpp"
#include "engine/src/nn/onnxruntime_weights.hpp"

namespace talkrt::nn {

class OnnxRuntimeGraph final : public Graph {
 public:
  /// What opening it takes, at least, as far as that is known before. Throws PLAN_CORRUPT.
  [[nodiscard]] static device::Budget::Line needs(const plan::Plan& plan, const plan::GraphSpec& spec,
                                                  bool on_gpu);

  /// Throws PLAN_CORRUPT when graph and manifest disagree, PLAN_UNSUPPORTED for ports that are not F32,
  /// BACKEND_FAILED when ONNX Runtime refuses the graph, OUT_OF_BUDGET.
  OnnxRuntimeGraph(std::shared_ptr<const OnnxRuntimeLibrary> library, const plan::Plan& plan,
                   const plan::GraphSpec& spec, int threads, device::Budget* budget,
                   std::shared_ptr<const OnnxRuntimeCuda> cuda = nullptr);

  [[nodiscard]] std::unique_ptr<Instance> instance(device::Budget* budget, const Ties& ties) const override;
  [[nodiscard]] const device::CudaDevice* gpu() const noexcept override {
    return cuda_ ? &cuda_->gpu() : nullptr;
  }
  [[nodiscard]] std::string_view backend() const noexcept override {
    return cuda_ ? "onnxruntime-cuda" : "onnxruntime-cpu";
  }
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::host);
  }

  [[nodiscard]] const OnnxRuntimeLibrary& library() const noexcept { return *library_; }
  [[nodiscard]] const plan::Plan& plan() const noexcept { return plan_; }
  [[nodiscard]] const plan::GraphSpec& spec() const noexcept { return spec_; }
  /// nullptr: on the CPU.
  [[nodiscard]] const OnnxRuntimeCuda* cuda() const noexcept { return cuda_.get(); }
  [[nodiscard]] OrtSession* session() const noexcept { return session_.get(); }
  /// For a run on a GPU, until it has been told: with a stream of ours ONNX Runtime has one handle of cuDNN's
  /// and one of cuBLAS's for all threads, and these take one at a time.
  [[nodiscard]] std::unique_lock<std::mutex> turn() const { return std::unique_lock(mutex_); }

  /// What a run takes beside inputs, outputs and states; known after the first one.
  [[nodiscard]] std::optional<std::size_t> scratch_bytes() const noexcept;
  void learn_scratch(std::size_t bytes) const noexcept;

 private:
  std::shared_ptr<const OnnxRuntimeLibrary> library_;
  std::shared_ptr<const OnnxRuntimeCuda> cuda_;
  const plan::Plan& plan_;
  plan::GraphSpec spec_;
  device::Budget account_;
  OnnxRuntimeWeights weights_;
  device::Charge rewritten_;
  mutable device::Charge allowance_;  // for ONNX Runtime's arena on a GPU, as far as it has not been taken
  OnnxRuntimeMemory memory_;
  Handle<OrtSession> session_;
  std::uint64_t loaded_ = 0;  // of its arena on a GPU, by opening it
  mutable std::atomic<std::int64_t> scratch_bytes_{-1};
  mutable std::mutex mutex_;
};

}  // namespace talkrt::nn
