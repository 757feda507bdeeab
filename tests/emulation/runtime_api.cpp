// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace talkrt::emulation {

std::size_t& bytes_taken() {
  static std::size_t bytes = 0;
  return bytes;
}
std::size_t& memory_limit() {
  static std::size_t bytes = SIZE_MAX;
  return bytes;
}

}  // namespace talkrt::emulation

namespace {

constexpr std::size_t kHead = 256;  // the size in front of the memory, which is aligned as CUDA's

cudaError_t take(void** out, std::size_t bytes) {
  auto& taken = talkrt::emulation::bytes_taken();
  if (bytes > talkrt::emulation::memory_limit() - taken) return cudaErrorMemoryAllocation;
  const std::size_t whole = kHead + (bytes + kHead - 1) / kHead * kHead;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kHead, whole));
  if (memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(memory, 0xff, whole);
  std::memcpy(memory, &bytes, sizeof bytes);
  taken += bytes;
  *out = memory + kHead;
  return cudaSuccess;
}

cudaError_t give_back(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  auto* begin = static_cast<std::byte*>(memory) - kHead;
  std::size_t bytes;
  std::memcpy(&bytes, begin, sizeof bytes);
  talkrt::emulation::bytes_taken() -= bytes;
  std::free(begin);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaMalloc(void** out, std::size_t bytes) { return take(out, bytes); }
cudaError_t cudaFree(void* memory) { return give_back(memory); }
cudaError_t cudaMallocHost(void** out, std::size_t bytes) { return take(out, bytes); }
cudaError_t cudaFreeHost(void* memory) { return give_back(memory); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int device) {
  if (device != 0) return cudaErrorInvalidDevice;
  *out = {};
  std::snprintf(out->name, sizeof out->name, "emulation");
  out->major = 9;
  out->multiProcessorCount = 1;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned /*flags*/) {
  *out = std::make_unique<CUstream_st>().release();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode /*mode*/) {
  stream->captured = std::make_unique<std::vector<std::function<void()>>>().release();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  const std::unique_ptr<std::vector<std::function<void()>>> captured(
      std::exchange(stream->captured, nullptr));
  *out = std::make_unique<CUgraph_st>(CUgraph_st{std::move(*captured)}).release();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long /*flags*/) {
  *out = std::make_unique<CUgraphExec_st>(CUgraphExec_st{graph->work}).release();
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  for (const auto& work : graph->work) stream->run(work);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind /*kind*/,
                            cudaStream_t stream) {
  stream->run([=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_step, const void* from, std::size_t from_step,
                              std::size_t width, std::size_t rows, cudaMemcpyKind /*kind*/,
                              cudaStream_t stream) {
  stream->run([=] {
    for (std::size_t row = 0; row < rows; ++row) {
      std::memcpy(static_cast<std::byte*>(to) + row * to_step,
                  static_cast<const std::byte*>(from) + row * from_step, width);
    }
  });
  return cudaSuccess;
}
