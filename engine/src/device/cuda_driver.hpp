// SPDX-License-Identifier: Apache-2.0
//
// The few calls of the CUDA driver that running graphs on a GPU needs, through libcuda itself, opened at run
// time: back ends then need nothing of CUDA to be built, and whether there is a driver is known before any
// library of NVIDIA's is touched (TensorRT's lean runtime brings the process down where there is none).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "engine/src/device/budget.hpp"

namespace talkrt::device {

struct DriverCalls;  // cuda_driver_calls.hpp

/// One GPU's primary context, which the CUDA runtime and whoever uses it share. From any thread.
class CudaDriver {
 public:
  /// `library`: "" is libcuda.so.1. Throws BACKEND_MISSING: no library, no driver, no such GPU.
  explicit CudaDriver(int device, const std::string& library = {});
  ~CudaDriver();
  CudaDriver(const CudaDriver&) = delete;
  CudaDriver& operator=(const CudaDriver&) = delete;

  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::array<int, 2> compute_capability() const noexcept { return compute_capability_; }
  [[nodiscard]] const DriverCalls& calls() const noexcept { return *calls_; }

  /// Throws BACKEND_FAILED, or DEVICE_LOST, with `doing` and the driver's words where `status` is an error.
  void check(int status, const char* doing) const;

 private:
  friend class CudaScope;

  std::unique_ptr<DriverCalls> calls_;
  int device_ = 0, handle_ = 0;
  void* context_ = nullptr;
  std::string name_;
  std::array<int, 2> compute_capability_{};
};

/// Makes the driver's context this thread's for a while, and leaves the host's as it was.
class CudaScope {
 public:
  /// Throws BACKEND_FAILED, DEVICE_LOST.
  explicit CudaScope(const CudaDriver& driver);
  /// For destructors: may fail, where the GPU is lost and what it held with it.
  CudaScope(const CudaDriver& driver, std::nothrow_t) noexcept;
  ~CudaScope();
  explicit operator bool() const noexcept { return entered_; }
  CudaScope(const CudaScope&) = delete;
  CudaScope& operator=(const CudaScope&) = delete;

 private:
  const CudaDriver& driver_;
  bool entered_ = true;
};

/// Owns zeroed memory, of the GPU or page-locked, charged before it is taken.
class CudaMemory {
 public:
  /// Driver and budget must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY.
  CudaMemory(const CudaDriver& driver, Budget& budget, std::string what, std::size_t bytes, MemoryKind kind);
  ~CudaMemory();
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;

  /// Of a GPU: no address of the host's.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  const CudaDriver& driver_;
  Budget& budget_;
  std::string what_;
  std::byte* data_ = nullptr;
  std::size_t bytes_;
  MemoryKind kind_;
};

/// Work that was captured from a stream, to be launched as one.
class CudaGraph {
 public:
  CudaGraph(const CudaDriver& driver, void* executable) : driver_(driver), executable_(executable) {}
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  [[nodiscard]] void* handle() const noexcept { return executable_; }

 private:
  const CudaDriver& driver_;
  void* executable_;
};

/// A stream that waits for no other. From any thread; what two threads put on it comes in some order.
class CudaStream {
 public:
  /// `driver` must outlive it. Throws BACKEND_FAILED.
  explicit CudaStream(const CudaDriver& driver);
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  [[nodiscard]] const CudaDriver& driver() const noexcept { return driver_; }
  [[nodiscard]] void* handle() const noexcept { return stream_; }  // a cudaStream_t

  void copy_in(std::byte* device, const void* host, std::size_t bytes) const;
  void copy_out(void* host, const std::byte* device, std::size_t bytes) const;
  void copy(std::byte* to, const std::byte* from, std::size_t bytes) const;
  void synchronize() const;
  /// For destructors: waits, and whatever failed is over too.
  void settle() const noexcept;
  /// What `enqueue()` puts on the stream, and is not executed by that. Throws what it throws.
  template <class F>
  [[nodiscard]] std::unique_ptr<CudaGraph> capture(F&& enqueue) const {
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
  [[nodiscard]] std::unique_ptr<CudaGraph> end_capture() const;

  const CudaDriver& driver_;
  void* stream_ = nullptr;
};

}  // namespace talkrt::device
