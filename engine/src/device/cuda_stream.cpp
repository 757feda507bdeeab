// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cuda_stream.hpp"

namespace talkrt::device {

CudaScope::CudaScope(const CudaDevice& gpu) : gpu_(gpu) {
  gpu.call([&](auto& table, auto* why) { return table.enter(gpu.index(), &before_, why); });
}

CudaScope::CudaScope(const CudaDevice& gpu, std::nothrow_t) noexcept
    : gpu_(gpu), entered_(gpu.table().enter(gpu.index(), &before_, nullptr) == 0) {}

CudaScope::~CudaScope() {
  if (entered_) gpu_.table().leave(before_);
}

CudaStream::CudaStream(const CudaDevice& gpu) : gpu_(&gpu) {
  gpu.call([&](auto& table, auto* why) { return table.create_stream(gpu.index(), &stream_, why); });
}

CudaStream::~CudaStream() { gpu_->table().destroy_stream(gpu_->index(), stream_); }

void CudaStream::copy(void* to, const void* from, std::size_t bytes) const {
  gpu_->call(
      [&](auto& table, auto* why) { return table.copy(gpu_->index(), stream_, to, from, bytes, why); });
}

void CudaStream::finish() const {
  gpu_->call([&](auto& table, auto* why) { return table.finish(gpu_->index(), stream_, why); });
}

void CudaStream::launch(const CudaGraph& graph) const {
  gpu_->call([&](auto& table, auto* why) { return table.launch(graph.get(), stream_, why); });
}

void CudaStream::begin_capture() const {
  gpu_->call([&](auto& table, auto* why) { return table.begin_capture(gpu_->index(), stream_, why); });
}

void CudaStream::abandon_capture() const noexcept {
  gpu_->table().end_capture(gpu_->index(), stream_, nullptr, nullptr);
}

CudaGraph CudaStream::end_capture() const {
  cuda::Captured* made = nullptr;
  gpu_->call([&](auto& table, auto* why) { return table.end_capture(gpu_->index(), stream_, &made, why); });
  return {made, gpu_->table().destroy_captured};
}

}  // namespace talkrt::device
