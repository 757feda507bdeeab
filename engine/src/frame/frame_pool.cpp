// SPDX-License-Identifier: Apache-2.0
#include "engine/src/frame/frame_pool.hpp"

namespace talkrt::frame {

FramePool::FramePool(int slots, const PixelLayout& layout, device::Budget& budget)
    : stride_(layout.stride()),
      memory_(budget, "frames", layout.bytes() * static_cast<std::size_t>(slots)),
      slots_(static_cast<std::size_t>(slots)) {
  auto* pixels = memory_.as<std::uint8_t>().data();
  for (FrameSlot& slot : slots_) {
    slot.target = {pixels, stride_, {}};
    pixels += layout.bytes();
  }
}

FramePool::FramePool(int slots, const PixelLayout& layout, bool on_host, const device::CudaDevice& gpu,
                     device::Budget& budget)
    : stride_(layout.stride()), slots_(static_cast<std::size_t>(slots)) {
  const std::size_t one = layout.bytes(), all = one * static_cast<std::size_t>(slots);
  device_memory_ = device::Buffer(budget, "frames on the GPU", all, device::MemoryKind::device, gpu);
  if (on_host) memory_ = device::Buffer(budget, "frames", all, device::MemoryKind::pinned, gpu);
  tickets_.reserve(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    tickets_.emplace_back(gpu);
    CudaPicture& picture = slots_[i].target.gpu;
    slots_[i].target.stride = stride_;
    picture.device = device_memory_.as<std::uint8_t>().data() + i * one;
    if (on_host) picture.pinned = memory_.as<std::uint8_t>().data() + i * one;
    picture.layout = layout;
    picture.done = &tickets_[i];
  }
}

FrameSlot* FramePool::acquire(const std::shared_ptr<void>& owner) noexcept {
  for (std::size_t tried = 0; tried < slots_.size(); ++tried) {
    FrameSlot& slot = slots_[next_];
    next_ = (next_ + 1) % slots_.size();
    if (slot.held.load(std::memory_order_acquire)) continue;
    slot.owner = owner;
    slot.held.store(true, std::memory_order_relaxed);
    return &slot;
  }
  return nullptr;
}

void FramePool::release(FrameSlot& slot) noexcept {
  // Taken out first: this may be the last reference, and then the slot itself goes with it.
  const std::shared_ptr<void> owner = std::move(slot.owner);
  slot.held.store(false, std::memory_order_release);
}

}  // namespace talkrt::frame
