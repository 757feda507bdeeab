// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <NvInferRuntime.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/tensorrt/library.hpp"

namespace talkrt::tensorrt {

/// TensorRT's allocations, passed on to the core.
class Memory final : public nvinfer1::IGpuAsyncAllocator {
 public:
  explicit Memory(const Allocator& from) : from_(from) {}
  void* allocateAsync(std::uint64_t size, std::uint64_t alignment, nvinfer1::AllocatorFlags flags,
                      cudaStream_t stream) noexcept override;
  bool deallocateAsync(void* memory, cudaStream_t stream) noexcept override;

 private:
  Allocator from_;
};

class Engine {
 public:
  Engine(const Library& library, const Allocator& allocator, const void* data, std::uint64_t bytes);

  void refit(const Weight* weights, int count);
  [[nodiscard]] int port_count() const { return engine_->getNbIOTensors(); }
  [[nodiscard]] Port port(int index) const;
  [[nodiscard]] std::uint64_t context_bytes() const;
  [[nodiscard]] nvinfer1::ICudaEngine& engine() const { return *engine_; }
  [[nodiscard]] const Library& library() const { return library_; }

 private:
  const Library& library_;
  Memory memory_;
  std::unique_ptr<nvinfer1::IRuntime> runtime_, lean_;  // the second one loaded by the first, where it must
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
};

class Context {
 public:
  Context(const Engine& engine, void* memory, std::uint64_t bytes);

  void bind(const char* name, void* memory);
  void enqueue(cudaStream_t stream);

 private:
  const Engine& engine_;
  std::unique_ptr<nvinfer1::IExecutionContext> context_;
};

}  // namespace talkrt::tensorrt
