// SPDX-License-Identifier: Apache-2.0
//
// A neural graph of a plan, ready to run. Back ends (ONNX Runtime now, TensorRT beside it) implement it;
// pipelines know nothing else of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::device {
class CudaDevice;
class CudaStream;
class CudaTicket;
}  // namespace talkrt::device

namespace talkrt::nn {

class Instance;

/// An input that reads memory of the caller's, which many instances may share and none writes. A back end on
/// a GPU reads what is on that GPU in place; what is on the host it copies there when the instance is made
/// and when it is reset, and does not see changes in between.
struct Shared {
  std::string_view name;
  std::span<const float> data;
  const device::CudaDevice* gpu = nullptr;  // whose memory it is; null: the host's
};

/// An input that is an output of another instance, which is run before this one and stays until this one's
/// last run. It is read where it was made; only between a CPU and a GPU it is copied.
struct Link {
  std::string_view name;
  Instance* from = nullptr;
  std::string_view output;
};

/// What an instance has to do with its surroundings.
struct Ties {
  std::span<const Shared> shared;
  std::span<const Link> links;
  /// Outputs that nobody on the host reads, a link of a graph on the CPU included: a GPU keeps them. A run
  /// without any other output returns when the GPU has been told.
  std::span<const std::string_view> unread;
};

/// An output in a GPU's memory. Every run writes it, in the order of a stream. Whoever reads it on another
/// stream lets that one wait for `written`, and then `stream` until it has read.
struct DeviceOutput {
  std::span<const float> data;  // the GPU's
  std::shared_ptr<const device::CudaStream> stream;
  bool exclusive = false;                       // the stream is used by one thread at a time
  const device::CudaTicket* written = nullptr;  // by the last run
};

struct RunTimes {
  std::uint64_t runs = 0, ns = 0;
};

/// One session's use of a graph: its own input, output and state buffers, allocated once. States are fed
/// back by run(). Not thread-safe but for times(); instances of one Graph may run at the same time.
class Instance {
 public:
  virtual ~Instance() = default;
  /// Buffers bound to the graph; valid as long as the Instance. Throws NOT_FOUND for an unknown name, for an
  /// input that is shared or linked, and for an output that a GPU keeps. input() waits until the last run has
  /// read it; whoever keeps what it returned must know that by an output.
  [[nodiscard]] virtual std::span<float> input(std::string_view name) = 0;
  [[nodiscard]] virtual std::span<const float> output(std::string_view name) const = 0;
  /// Nothing where it is in the host's memory alone. Throws NOT_FOUND.
  [[nodiscard]] virtual std::optional<DeviceOutput> device_output(std::string_view /*name*/) const {
    return std::nullopt;
  }
  /// Runs once. Throws BACKEND_FAILED, DEVICE_LOST, and in the first run of a graph what warm() throws.
  void run() {
    const auto begin = std::chrono::steady_clock::now();
    execute();
    const auto spent = std::chrono::steady_clock::now() - begin;
    ns_ += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
    ++runs_;
  }
  /// Of all runs so far, as long as run() took. From any thread.
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
                                                           const Ties& ties = {}) const = 0;
  /// That it runs on; nullptr: the CPU.
  [[nodiscard]] virtual const device::CudaDevice* gpu() const noexcept { return nullptr; }
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
