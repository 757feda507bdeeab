// SPDX-License-Identifier: Apache-2.0
//
// A neural graph of a plan, ready to run. Back ends (ONNX Runtime now, TensorRT beside it) implement it;
// pipelines know nothing else of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

/// An input that reads memory of the caller's, which many instances may share and none writes. A back end on
/// a GPU copies it there when the instance is made and when it is reset, and does not see changes in between.
struct Shared {
  std::string_view name;
  std::span<const float> data;
};

struct RunTimes {
  std::uint64_t runs = 0, ns = 0;
};

/// One session's use of a graph: its own input, output and state buffers, allocated once. States are fed
/// back by run(). Not thread-safe but for times(); instances of one Graph may run at the same time.
class Instance {
 public:
  virtual ~Instance() = default;
  /// Buffers bound to the graph; valid as long as the Instance. Throws NOT_FOUND for an unknown name, and
  /// for an input that is shared.
  [[nodiscard]] virtual std::span<float> input(std::string_view name) = 0;
  [[nodiscard]] virtual std::span<const float> output(std::string_view name) const = 0;
  /// Runs once. Throws BACKEND_FAILED, and in the first run of a graph what warm() throws.
  void run() {
    const auto begin = std::chrono::steady_clock::now();
    execute();
    const auto spent = std::chrono::steady_clock::now() - begin;
    ns_ += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
    ++runs_;
  }
  /// Of all runs so far. From any thread.
  [[nodiscard]] RunTimes times() const noexcept { return {runs_, ns_}; }
  /// Where nobody ran the graph yet, runs it on zeros, uncounted: what a back end finds out in a first run,
  /// such as how much memory it takes, is then known, and no frame pays for it. Throws BACKEND_FAILED,
  /// OUT_OF_BUDGET, OUT_OF_MEMORY.
  virtual void warm() = 0;
  /// States return to their initial values.
  virtual void reset() = 0;
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;

 protected:
  virtual void execute() = 0;

 private:
  std::atomic<std::uint64_t> runs_{0}, ns_{0};
};

/// Immutable, shared by sessions. Weights are used in place, inside the plan's mapping.
class Graph {
 public:
  virtual ~Graph() = default;
  /// Its buffers, and what a run takes beside them, are charged to `budget` when one is given. The Graph, and
  /// what is shared, must outlive the Instance. Throws OUT_OF_BUDGET, OUT_OF_MEMORY.
  [[nodiscard]] virtual std::unique_ptr<Instance> instance(device::Budget* budget = nullptr,
                                                           std::span<const Shared> shared = {}) const = 0;
  [[nodiscard]] virtual std::string_view backend()
      const noexcept = 0;  // "onnxruntime-cpu", "onnxruntime-cuda", "tensorrt"
  /// Host memory beside the plan's mapping: weights that the back end repacks or has to copy.
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
};

/// Opens graphs. One per engine.
class Backend {
 public:
  virtual ~Backend() = default;
  /// `plan` must outlive the Graph. `threads` work on one run, the caller's among them: one for what takes
  /// microseconds, the engine's for what takes milliseconds; they never spin. What it takes is charged to
  /// `budget` when one is given, which must outlive the Graph too. Throws BACKEND_FAILED, PLAN_CORRUPT,
  /// OUT_OF_BUDGET.
  [[nodiscard]] virtual std::unique_ptr<Graph> open(const plan::Plan& plan, const plan::GraphSpec& spec,
                                                    int threads = 1, device::Budget* budget = nullptr) = 0;
  /// What open() will charge, as far as it is known before: at least so much, and nothing of what a run
  /// takes. Takes nothing. Throws PLAN_CORRUPT.
  [[nodiscard]] virtual device::Budget::Line needs(const plan::Plan& plan,
                                                   const plan::GraphSpec& spec) const = 0;
  /// JSON object: name, version, path, providers, why it was chosen.
  [[nodiscard]] virtual std::string describe_json() const = 0;
};

/// Opens ONNX Runtime at run time. `library` is a path; "": $TALKRT_ONNXRUNTIME, then libonnxruntime.so.1 by
/// the loader's path. Throws BACKEND_MISSING with every path that was tried and why it failed.
std::unique_ptr<Backend> open_onnxruntime(const std::string& library);

}  // namespace talkrt::nn
