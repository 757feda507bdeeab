// SPDX-License-Identifier: Apache-2.0
//
// A graph of a plan as one of its TensorRT engines. Immutable; runs of several instances may overlap.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_stream.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/tensorrt_library.hpp"

namespace talkrt::nn {

/// The GPU's memory that an engine's weights lie in: on an account, and charged before it is taken.
class TensorRtMemory {
 public:
  /// Both must outlive it.
  TensorRtMemory(const device::CudaDevice& gpu, device::Budget& budget) : gpu_(gpu), budget_(budget) {}
  TensorRtMemory(const TensorRtMemory&) = delete;
  TensorRtMemory& operator=(const TensorRtMemory&) = delete;

  [[nodiscard]] tensorrt::Allocator allocator();
  /// Throws what the account refused, where it did, rather than what became of it.
  void rethrow_refusal();

 private:
  void* take(std::uint64_t bytes);
  void give(void* memory);

  const device::CudaDevice& gpu_;
  device::Budget& budget_;
  std::mutex mutex_;
  std::map<void*, device::Buffer> held_;
  std::exception_ptr refusal_;
};

class TensorRtGraph final : public Graph {
 public:
  /// `gpu` must outlive it. Throws BACKEND_FAILED with TensorRT's reason, or because the engine is of another
  /// graph or has other ports; OUT_OF_BUDGET, OUT_OF_MEMORY.
  TensorRtGraph(std::shared_ptr<const TensorRtLibrary> library, const device::CudaDevice& gpu,
                const plan::Plan& plan, const plan::GraphSpec& spec, const plan::EngineSpec& engine,
                device::Budget* budget);
  ~TensorRtGraph() override;

  [[nodiscard]] std::unique_ptr<Instance> instance(device::Budget* budget, const Ties& ties) const override;
  [[nodiscard]] const device::CudaDevice* gpu() const noexcept override { return &gpu_; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "tensorrt"; }
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return account_.used(device::MemoryKind::host);
  }

  [[nodiscard]] const tensorrt::Module& module() const noexcept { return library_->module(); }
  [[nodiscard]] const plan::Plan& plan() const noexcept { return plan_; }
  [[nodiscard]] const plan::GraphSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] tensorrt::Engine* engine() const noexcept { return engine_; }

 private:
  void open(const plan::EngineSpec& engine);
  void refit(const plan::EngineSpec& engine);
  void verify_ports() const;
  [[noreturn]] void fail(const std::string& what) const;

  std::shared_ptr<const TensorRtLibrary> library_;
  const device::CudaDevice& gpu_;
  const plan::Plan& plan_;
  plan::GraphSpec spec_;
  device::Budget account_;
  TensorRtMemory memory_;
  tensorrt::Allocator allocator_;
  tensorrt::Engine* engine_ = nullptr;
};

}  // namespace talkrt::nn
