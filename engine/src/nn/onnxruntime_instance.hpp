// SPDX-License-Identifier: Apache-2.0
//
// One session's use of an ONNX Runtime graph: one block of memory for every port that is not shared, bound
// once. States exist twice, and two bindings differ in which copy is read and which is written, so feeding
// back copies nothing. On a GPU that block is page-locked and has a twin there, which is what is bound: a run
// copies its inputs in and its outputs out, each as one piece, and states stay.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_driver.hpp"
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

  /// Of an instance on a GPU. The twin has what the host's block has at the same places, then what is shared.
  struct Twin {
    Twin(const device::CudaDriver& driver, device::Budget& budget, std::size_t bytes,
         std::size_t shared_bytes);

    device::CudaMemory pinned, memory;
  };

  void execute() override;
  void run_bound();
  [[nodiscard]] std::byte* twin_of(const void* host) const;
  Bound bind(const std::string& name, std::span<const std::int64_t> shape, std::span<float>& free) const;
  Bound wrap(const std::string& name, std::span<const std::int64_t> shape, std::span<float> data,
             void* bound) const;
  void share(const plan::Port& port, std::span<const float> data);
  void make_binding(int reads);

  const OnnxRuntimeGraph& graph_;
  device::Budget account_;
  std::optional<Twin> twin_;
  device::Buffer memory_;
  std::span<float> host_;                             // every port and state, of one of the two above
  std::size_t input_floats_ = 0, output_floats_ = 0;  // which come first in it, in this order
  std::size_t shared_floats_ = 0;                     // behind it in the twin, as far as they are placed
  Scratch scratch_;
  bool ran_ = false;
  std::vector<Bound> inputs_, shared_, outputs_;
  std::vector<Feedback> states_;
  std::array<Handle<OrtIoBinding>, 2> bindings_;  // [i] reads copy i of each state and writes the other
  Handle<OrtRunOptions> run_options_;
  int reads_ = 0;
};

}  // namespace talkrt::nn
