// SPDX-License-Identifier: Apache-2.0
//
// Where the pictures of an engine's sessions meet: those that are due while the GPU is taking a draw go out
// together in the next one. Nobody waits for a timer: a picture that is alone is drawn alone, at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"

namespace talkrt::render {

class CudaBatch {
 public:
  /// Both must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST, BACKEND_FAILED.
  CudaBatch(const device::CudaDevice& gpu, device::Budget& budget);

  /// Before views within these limits are drawn.
  void prepare(const gaussian::CudaLimits& limits);
  /// From any thread. Returns when the GPU has been told; what job.done says is then to come. Allocates
  /// nothing. Throws DEVICE_LOST, BACKEND_FAILED.
  void draw(const cuda::Job& job);

  struct Counts {
    std::uint64_t draws = 0, pictures = 0;
  };
  /// So far: how many pictures went out together.
  [[nodiscard]] Counts counts() const;

  [[nodiscard]] const device::CudaDevice& gpu() const noexcept { return *gpu_; }
  /// A cudaStream_t.
  [[nodiscard]] CUstream_st* stream() const noexcept { return stream_; }

 private:
  /// A picture on its way, on the stack of the thread that waits for it to go out.
  struct Waiting {
    const cuda::Job* job;
    Waiting* next = nullptr;
    bool out = false;
    int code = 0;
    cuda::Why why{};
  };
  void draw_waiting(std::unique_lock<std::mutex>& lock);

  const device::CudaDevice* gpu_;
  device::Buffer device_memory_, pinned_memory_;
  std::unique_ptr<cuda::Painter, void (*)(cuda::Painter*)> painter_;
  CUstream_st* stream_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;  // somebody is calling the painter
  Waiting *first_ = nullptr, *last_ = nullptr;
  std::vector<cuda::Job> jobs_;  // of the draw under way
  Counts counts_;
};

}  // namespace talkrt::render
