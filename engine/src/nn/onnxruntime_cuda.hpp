// SPDX-License-Identifier: Apache-2.0
//
// ONNX Runtime's CUDA provider: graph, instance and weights are those of the CPU (onnxruntime_graph.hpp);
// what differs is here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/src/device/cuda_stream.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"

namespace talkrt::nn {

/// Where graphs compute. One stream for all of them and their sessions: a provider is made with its stream,
/// so a graph has one whoever runs it; and kernels of one run never overlap those of another, so that memory
/// which one gives back may be taken by the next.
class OnnxRuntimeCuda {
 public:
  /// `gpu` must outlive it.
  explicit OnnxRuntimeCuda(const device::CudaDevice& gpu)
      : stream_(std::make_shared<const device::CudaStream>(gpu)) {}

  [[nodiscard]] const device::CudaDevice& gpu() const noexcept { return stream_->gpu(); }
  [[nodiscard]] const std::shared_ptr<const device::CudaStream>& stream() const noexcept { return stream_; }

  /// Makes the session that is about to be created compute on the GPU, in an arena of `arena_bytes` at most.
  /// Throws BACKEND_FAILED with ONNX Runtime's own reason, such as a build without CUDA or a missing cuDNN.
  virtual void add_to(const OnnxRuntimeLibrary& library, OrtSessionOptions* options,
                      std::uint64_t arena_bytes) const;
  /// What tensors in the GPU's memory say of themselves.
  [[nodiscard]] virtual Handle<OrtMemoryInfo> memory(const OnnxRuntimeLibrary& library) const;

  virtual ~OnnxRuntimeCuda() = default;
  OnnxRuntimeCuda(const OnnxRuntimeCuda&) = delete;
  OnnxRuntimeCuda& operator=(const OnnxRuntimeCuda&) = delete;

 private:
  std::shared_ptr<const device::CudaStream> stream_;
};

/// The most that ONNX Runtime may take on the GPU for a graph beside inputs, outputs and states: its weights,
/// and what lives between nodes. `traffic` is what its nodes read and write in one run, 0: not known.
std::uint64_t cuda_arena_bytes(std::uint64_t weights, std::uint64_t traffic);

}  // namespace talkrt::nn
