// SPDX-License-Identifier: Apache-2.0
//
// A fixed ring of pictures that a caller may hold. A held slot keeps its owner, and so its memory,
// alive. Slots may be given back from any thread.
//
// Where a GPU draws, each slot has the picture in the GPU's memory too, and what the host sees is page-locked
// so that the copy engine writes it; or the host sees only the GPU's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"
#include "engine/src/frame/pixel_target.hpp"

namespace talkrt::frame {

class FramePool;

struct FrameSlot {
  PixelTarget target;
  std::atomic<bool> held{false};
  std::shared_ptr<void> owner;  // only while held

  /// Where the host finds the picture: its memory, or with device frames nowhere.
  [[nodiscard]] std::uint8_t* pixels() const noexcept {
    return target.gpu.device == nullptr ? target.pixels : target.gpu.pinned;
  }
};

class FramePool {
 public:
  FramePool(int slots, const PixelLayout& layout, device::Budget& budget);
  /// On a GPU; without `on_host` its pictures stay there.
  FramePool(int slots, const PixelLayout& layout, bool on_host, const device::CudaDevice& gpu,
            device::Budget& budget);

  /// nullptr when every slot is held. One thread at a time.
  [[nodiscard]] FrameSlot* acquire(const std::shared_ptr<void>& owner) noexcept;
  static void release(FrameSlot& slot) noexcept;

  /// Of the first slot, while nobody holds it.
  [[nodiscard]] PixelTarget scratch() const noexcept {
    return slots_.empty() ? PixelTarget{} : slots_.front().target;
  }
  [[nodiscard]] std::int64_t stride() const noexcept { return stride_; }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(slots_.size()); }

 private:
  std::int64_t stride_;
  device::Buffer memory_, device_memory_;
  std::vector<device::CudaTicket> tickets_;  // [slots] on a GPU
  std::vector<FrameSlot> slots_;
  std::size_t next_ = 0;
};

}  // namespace talkrt::frame
