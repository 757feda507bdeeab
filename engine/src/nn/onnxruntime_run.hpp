// SPDX-License-Identifier: Apache-2.0
//
// What runs of a graph in ONNX Runtime have in common, wherever they compute: tensors bound once, states fed
// back by two bindings that differ in which copy of each is read and which is written.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/scratch.hpp"

namespace talkrt::nn {

class OnnxRuntimeGraph;

class OnnxRuntimeRun {
 public:
  /// Must all outlive it. What a run takes beside the tensors goes to `budget`.
  OnnxRuntimeRun(const OnnxRuntimeGraph& graph, device::Budget& budget);

  // Once for each port, then ready().
  void input(const std::string& name, std::span<const std::int64_t> shape, void* memory);
  void output(const std::string& name, std::span<const std::int64_t> shape, void* memory);
  /// In the manifest's order.
  void state(std::span<const std::int64_t> shape, const std::array<void*, 2>& copies);
  void ready();

  /// Throws BACKEND_FAILED, OUT_OF_BUDGET, OUT_OF_MEMORY.
  void run();
  /// The next run reads the first copy of each state.
  void reset() noexcept { reads_ = 0; }

 private:
  struct Bound {
    std::string name;
    Handle<OrtValue> value;
  };
  [[nodiscard]] Handle<OrtValue> wrap(const std::string& name, std::span<const std::int64_t> shape,
                                      void* memory) const;
  [[nodiscard]] Handle<OrtIoBinding> binding(std::size_t reads) const;

  const OnnxRuntimeGraph& graph_;
  Scratch scratch_;
  bool ran_ = false;
  std::vector<Bound> inputs_, outputs_;
  std::vector<std::array<Handle<OrtValue>, 2>> states_;
  std::array<Handle<OrtIoBinding>, 2> bindings_;  // [i] reads copy i of each state and writes the other
  Handle<OrtRunOptions> options_;
  std::size_t reads_ = 0;
};

}  // namespace talkrt::nn
