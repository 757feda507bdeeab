// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_batch.hpp"

namespace talkrt::render {
namespace {

constexpr int kViews = 64;         // of one draw; more pictures wait for the next
constexpr int kMostShapes = 4096;  // as many as a plan may have (export/FORMAT.md)
constexpr int kMostJoints = 16;

}  // namespace

CudaBatch::CudaBatch(const device::CudaDevice& gpu, device::Budget& budget)
    : gpu_(&gpu), painter_(nullptr, gpu.table().destroy_painter), jobs_(kViews) {
  const cuda::PainterSpec spec{kViews, kMostShapes, kMostJoints};
  std::uint64_t device_bytes = 0, pinned_bytes = 0;
  cuda::Why why{};
  gpu.check(gpu.table().measure_painter(&spec, &device_bytes, &pinned_bytes, &why), why);
  device_memory_ = device::Buffer(budget, "poses on the GPU", device_bytes, device::MemoryKind::device, gpu);
  pinned_memory_ =
      device::Buffer(budget, "poses on their way", pinned_bytes, device::MemoryKind::pinned, gpu);
  cuda::Painter* made = nullptr;
  gpu.check(gpu.table().create_painter(gpu.index(), &spec, device_memory_.data(), pinned_memory_.data(),
                                       &made, &why),
            why);
  painter_.reset(made);
  stream_ = gpu.table().stream(made);
}

void CudaBatch::prepare(const gaussian::CudaLimits& limits) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_; });
  cuda::Why why{};
  gpu_->check(gpu_->table().prepare(painter_.get(), &limits, &why), why);
}

void CudaBatch::draw(const cuda::Job& job) {
  Waiting mine{&job};
  std::unique_lock lock(mutex_);
  (last_ == nullptr ? first_ : last_->next) = &mine;
  last_ = &mine;
  while (!mine.out) {
    if (busy_) {
      changed_.wait(lock);
    } else {
      draw_waiting(lock);
    }
  }
  lock.unlock();
  gpu_->check(mine.code, mine.why);
}

CudaBatch::Counts CudaBatch::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

/// The painter may make this thread wait for the GPU; meanwhile others put their pictures into the list.
void CudaBatch::draw_waiting(std::unique_lock<std::mutex>& lock) {
  Waiting* const begin = first_;
  int count = 0;
  for (; first_ != nullptr && count < kViews; first_ = first_->next) {
    jobs_[static_cast<std::size_t>(count++)] = *first_->job;
  }
  Waiting* const end = first_;
  if (end == nullptr) last_ = nullptr;
  busy_ = true;
  lock.unlock();
  cuda::Why why{};
  const int code = gpu_->table().draw(painter_.get(), jobs_.data(), count, &why);
  lock.lock();
  busy_ = false;
  if (code == 0) {
    ++counts_.draws;
    counts_.pictures += static_cast<std::uint64_t>(count);
  }
  for (Waiting* one = begin; one != end;) {
    Waiting* const next = one->next;  // who is out may be gone at once
    one->code = code;
    one->why = why;
    one->out = true;
    one = next;
  }
  changed_.notify_all();
}

}  // namespace talkrt::render
