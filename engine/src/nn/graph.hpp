// SPDX-License-Identifier: Apache-2.0
//
// A neural graph of a plan, ready to run. Back ends (ONNX Runtime now, TensorRT beside it) implement it;
// pipelines know nothing else of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

/// One session's use of a graph: its own input, output and state buffers, allocated once. States are fed
/// back by run(). Not thread-safe; instances of one Graph may run at the same time.
class Instance {
 public:
  virtual ~Instance() = default;
  /// Buffers bound to the graph; valid as long as the Instance. Throws NOT_FOUND for an unknown name.
  [[nodiscard]] virtual std::span<float> input(std::string_view name) = 0;
  [[nodiscard]] virtual std::span<const float> output(std::string_view name) const = 0;
  /// Runs once. Throws BACKEND_FAILED.
  virtual void run() = 0;
  /// States return to their initial values.
  virtual void reset() = 0;
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
};

/// Immutable, shared by sessions. Weights are used in place, inside the plan's mapping.
class Graph {
 public:
  virtual ~Graph() = default;
  /// Its buffers are charged to `budget` when one is given. The Graph must outlive the Instance. Throws
  /// OUT_OF_BUDGET, OUT_OF_MEMORY.
  [[nodiscard]] virtual std::unique_ptr<Instance> instance(device::Budget* budget = nullptr) const = 0;
  [[nodiscard]] virtual std::string_view backend() const noexcept = 0;  // "onnxruntime-cpu"
  /// Host memory beside the plan's mapping, at most: weights that the back end repacks or has to copy.
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
};

/// Opens graphs. One per engine.
class Backend {
 public:
  virtual ~Backend() = default;
  /// `plan` must outlive the Graph. Throws BACKEND_FAILED, PLAN_CORRUPT.
  [[nodiscard]] virtual std::unique_ptr<Graph> open(const plan::Plan& plan, const plan::GraphSpec& spec) = 0;
  /// JSON object: name, version, path, providers, why it was chosen.
  [[nodiscard]] virtual std::string describe_json() const = 0;
};

struct OnnxRuntimeOptions {
  std::string library;  // path; "": $TALKRT_ONNXRUNTIME, then libonnxruntime.so.1 by the loader's path
  int threads = 1;      // inside one graph; they never spin
};

/// Opens ONNX Runtime at run time. Throws BACKEND_MISSING with every path that was tried and why it failed.
std::unique_ptr<Backend> open_onnxruntime(const OnnxRuntimeOptions& options);

}  // namespace talkrt::nn
