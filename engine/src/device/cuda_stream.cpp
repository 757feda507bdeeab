// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cuda_driver.hpp"
#include "engine/src/device/cuda_driver_calls.hpp"

namespace talkrt::device {
namespace {

constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING
constexpr int kThreadLocal = 1;       // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL

DriverCalls::Address address(const std::byte* device) {
  return reinterpret_cast<DriverCalls::Address>(device);
}

}  // namespace

CudaStream::CudaStream(const CudaDriver& driver) : driver_(driver) {
  const CudaScope scope(driver);
  driver.check(driver.calls().create_stream(&stream_, kNonBlocking), "making a stream");
}

CudaStream::~CudaStream() {
  if (const CudaScope scope(driver_, std::nothrow); scope) {
    settle();
    driver_.calls().destroy_stream(stream_);
  }
}

void CudaStream::copy_in(std::byte* device, const void* host, std::size_t bytes) const {
  if (bytes != 0) driver_.check(driver_.calls().copy_in(address(device), host, bytes, stream_), "copying in");
}

void CudaStream::copy_out(void* host, const std::byte* device, std::size_t bytes) const {
  if (bytes != 0)
    driver_.check(driver_.calls().copy_out(host, address(device), bytes, stream_), "copying out");
}

void CudaStream::copy(std::byte* to, const std::byte* from, std::size_t bytes) const {
  if (bytes != 0) driver_.check(driver_.calls().copy(address(to), address(from), bytes, stream_), "copying");
}

void CudaStream::synchronize() const { driver_.check(driver_.calls().synchronize(stream_), "running"); }

void CudaStream::settle() const noexcept { driver_.calls().synchronize(stream_); }

void CudaStream::begin_capture() const {
  driver_.check(driver_.calls().begin_capture(stream_, kThreadLocal), "beginning a capture");
}

void CudaStream::abandon_capture() const noexcept {
  void* graph = nullptr;
  if (driver_.calls().end_capture(stream_, &graph) == 0 && graph != nullptr)
    driver_.calls().destroy_graph(graph);
}

std::unique_ptr<CudaGraph> CudaStream::end_capture() const {
  void *graph = nullptr, *executable = nullptr;
  driver_.check(driver_.calls().end_capture(stream_, &graph), "ending a capture");
  const int status = driver_.calls().instantiate(&executable, graph, 0);
  driver_.calls().destroy_graph(graph);
  driver_.check(status, "making a graph of a capture");
  return std::make_unique<CudaGraph>(driver_, executable);
}

void CudaStream::launch(const CudaGraph& graph) const {
  driver_.check(driver_.calls().launch(graph.handle(), stream_), "launching a graph");
}

CudaGraph::~CudaGraph() {
  if (const CudaScope scope(driver_, std::nothrow); scope) driver_.calls().destroy_executable(executable_);
}

}  // namespace talkrt::device
