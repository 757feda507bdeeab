// SPDX-License-Identifier: Apache-2.0
#include "engine/tensorrt/engine.hpp"

#include <algorithm>

namespace talkrt::tensorrt {
namespace {

constexpr std::uint64_t kAlign = 256;

nvinfer1::DataType type_of(WeightType type) {
  switch (type) {
    case WeightType::f32:
      return nvinfer1::DataType::kFLOAT;
    case WeightType::f16:
      return nvinfer1::DataType::kHALF;
    case WeightType::i32:
      return nvinfer1::DataType::kINT32;
    case WeightType::i64:
      return nvinfer1::DataType::kINT64;
    case WeightType::i8:
      return nvinfer1::DataType::kINT8;
    case WeightType::u8:
      return nvinfer1::DataType::kUINT8;
  }
  throw Error("a weight is of no type that TensorRT has");
}

}  // namespace

void* Memory::allocateAsync(std::uint64_t size, std::uint64_t alignment, nvinfer1::AllocatorFlags,
                            cudaStream_t) noexcept {
  return size == 0 || alignment > kAlign ? nullptr : from_.take(from_.user, size);
}

bool Memory::deallocateAsync(void* memory, cudaStream_t) noexcept {
  if (memory != nullptr) from_.give(from_.user, memory);
  return true;
}

Engine::Engine(const Library& library, const Allocator& allocator, const void* data, std::uint64_t bytes)
    : library_(library), memory_(allocator), runtime_(library.make_runtime()) {
  runtime_->setGpuAllocator(&memory_);
  engine_.reset(runtime_->deserializeCudaEngine(data, bytes));
  // An engine of an older version runs in the lean runtime, which the others load; host code that an engine
  // may carry stays forbidden.
  if (!engine_ && library.info().runtime != Runtime::lean && !library.lean().empty()) {
    std::string before = library.complaints().taken();
    lean_.reset(runtime_->loadRuntime(library.lean().c_str()));
    if (!lean_) throw Error("it was refused: " + before);
    lean_->setGpuAllocator(&memory_);
    engine_.reset(lean_->deserializeCudaEngine(data, bytes));
  }
  if (!engine_) throw Error("it was refused: " + library.complaints().taken());
}

void Engine::refit(const Weight* weights, int count) {
  const std::unique_ptr<nvinfer1::IRefitter> refitter(library_.make_refitter(*engine_));
  for (int i = 0; i < count; ++i) {
    const Weight& weight = weights[i];
    if (!refitter->setNamedWeights(weight.name, {type_of(weight.type), weight.data, weight.count})) {
      throw Error(std::string("weight \"") + weight.name +
                  "\" was refused: " + library_.complaints().taken());
    }
  }
  if (const int missing = refitter->getMissingWeights(0, nullptr); missing > 0) {
    const char* name = nullptr;
    refitter->getMissingWeights(1, &name);
    throw Error(std::to_string(missing) + " weights are missing, \"" + (name != nullptr ? name : "?") +
                "\" among them");
  }
  if (!refitter->refitCudaEngine()) throw Error("refitting failed: " + library_.complaints().taken());
}

Port Engine::port(int index) const {
  Port out{};
  out.name = engine_->getIOTensorName(index);
  out.input = engine_->getTensorIOMode(out.name) == nvinfer1::TensorIOMode::kINPUT;
  out.plain_f32 = engine_->getTensorDataType(out.name) == nvinfer1::DataType::kFLOAT &&
                  engine_->getTensorFormat(out.name) == nvinfer1::TensorFormat::kLINEAR &&
                  engine_->getTensorLocation(out.name) == nvinfer1::TensorLocation::kDEVICE;
  const nvinfer1::Dims shape = engine_->getTensorShape(out.name);
  out.rank = std::min<int>(shape.nbDims, kMaxRank);
  for (int i = 0; i < out.rank; ++i) out.shape[i] = shape.d[i];
  return out;
}

std::uint64_t Engine::context_bytes() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(engine_->getDeviceMemorySizeV2(), 0));
}

Context::Context(const Engine& engine, void* memory, std::uint64_t bytes)
    : engine_(engine),
      context_(engine.engine().createExecutionContext(
          nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED)) {
  if (!context_) throw Error("no execution context: " + engine.library().complaints().taken());
  if (bytes != 0) context_->setDeviceMemoryV2(memory, static_cast<std::int64_t>(bytes));
}

void Context::bind(const char* name, void* memory) {
  if (!context_->setTensorAddress(name, memory)) {
    throw Error(std::string("\"") + name + "\" cannot be bound: " + engine_.library().complaints().taken());
  }
}

void Context::enqueue(cudaStream_t stream) {
  if (!context_->enqueueV3(stream)) throw Error(engine_.library().complaints().taken());
}

}  // namespace talkrt::tensorrt
