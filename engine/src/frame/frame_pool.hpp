// SPDX-License-Identifier: Apache-2.0
//
// A fixed ring of RGBA8 pictures that a caller may hold. A held slot keeps its owner, and so its memory,
// alive. Slots may be given back from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/src/device/budget.hpp"

namespace talkrt::frame {

class FramePool;

struct FrameSlot {
  std::uint8_t* pixels = nullptr;  // [height, stride]
  std::atomic<bool> held{false};
  std::shared_ptr<void> owner;  // only while held
};

class FramePool {
 public:
  FramePool(int slots, int width, int height, device::Budget& budget);

  /// nullptr when every slot is held. One thread at a time.
  [[nodiscard]] FrameSlot* acquire(const std::shared_ptr<void>& owner) noexcept;
  static void release(FrameSlot& slot) noexcept;

  [[nodiscard]] std::uint8_t* first_pixels() const noexcept { return memory_.as<std::uint8_t>().data(); }
  [[nodiscard]] std::int64_t stride() const noexcept { return stride_; }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(slots_.size()); }

 private:
  std::int64_t stride_;
  device::Buffer memory_;
  std::vector<FrameSlot> slots_;
  std::size_t next_ = 0;
};

}  // namespace talkrt::frame
