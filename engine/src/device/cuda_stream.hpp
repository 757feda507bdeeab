// SPDX-License-Identifier: Apache-2.0
//
// Streams that networks fill, through the CUDA module. Memory is device::Buffer's, moments are CudaTickets.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "engine/src/device/cuda_device.hpp"

namespace talkrt::device {

/// Makes the GPU's context this thread's for a while, and leaves the host's as it was. For libraries that
/// compute in the thread's context.
class CudaScope {
 public:
  /// Throws BACKEND_FAILED, DEVICE_LOST.
  explicit CudaScope(const CudaDevice& gpu);
  /// For destructors: may fail, where the GPU is lost and what it held with it.
  CudaScope(const CudaDevice& gpu, std::nothrow_t) noexcept;
  ~CudaScope();
  explicit operator bool() const noexcept { return entered_; }
  CudaScope(const CudaScope&) = delete;
  CudaScope& operator=(const CudaScope&) = delete;

 private:
  const CudaDevice& gpu_;
  void* before_ = nullptr;
  bool entered_ = true;
};

/// Work that was captured from a stream, to be launched as one.
using CudaGraph = std::unique_ptr<cuda::Captured, void (*)(cuda::Captured*)>;

/// A stream that waits for no other unless it is told to. From any thread; what two threads put on it comes
/// in some order.
class CudaStream {
 public:
  /// `gpu` must outlive it. Throws BACKEND_FAILED, DEVICE_LOST.
  explicit CudaStream(const CudaDevice& gpu);
  /// Waits for what runs.
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  [[nodiscard]] const CudaDevice& gpu() const noexcept { return *gpu_; }
  /// A cudaStream_t.
  [[nodiscard]] CUstream_st* handle() const noexcept { return stream_; }

  /// In the stream's order, from and to memory of any kind. What is not page-locked must stay until finish().
  void copy(void* to, const void* from, std::size_t bytes) const;
  /// What comes from now on waits for the ticket.
  void wait_for(const CudaTicket& ticket) const { ticket.follow(stream_); }
  /// The ticket is for all that came so far.
  void mark(const CudaTicket& ticket) const { ticket.record(stream_); }
  /// Waits for all that came so far.
  void finish() const;

  /// What `enqueue()` puts on the stream, and is not executed by that. Throws what it throws.
  template <class F>
  [[nodiscard]] CudaGraph capture(F&& enqueue) const {
    begin_capture();
    try {
      enqueue();
    } catch (...) {
      abandon_capture();
      throw;
    }
    return end_capture();
  }
  void launch(const CudaGraph& graph) const;

 private:
  void begin_capture() const;
  void abandon_capture() const noexcept;
  [[nodiscard]] CudaGraph end_capture() const;

  const CudaDevice* gpu_;
  CUstream_st* stream_ = nullptr;
};

}  // namespace talkrt::device
