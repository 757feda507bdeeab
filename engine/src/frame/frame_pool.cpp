// SPDX-License-Identifier: Apache-2.0
#include "engine/src/frame/frame_pool.hpp"

namespace talkrt::frame {
namespace {

constexpr std::size_t kAlign = 64;  // bytes: rows and pictures start on a cache line

std::size_t row_bytes(int width) {
  return (static_cast<std::size_t>(width) * 4 + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

FramePool::FramePool(int slots, int width, int height, device::Budget& budget)
    : stride_(static_cast<std::int64_t>(row_bytes(width))),
      memory_(budget, "frames",
              static_cast<std::size_t>(slots) * row_bytes(width) * static_cast<std::size_t>(height)),
      slots_(static_cast<std::size_t>(slots)) {
  auto* pixels = memory_.as<std::uint8_t>().data();
  for (FrameSlot& slot : slots_) {
    slot.pixels = pixels;
    pixels += stride_ * height;
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
