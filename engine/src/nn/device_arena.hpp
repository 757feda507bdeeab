// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "engine/src/device/charge.hpp"
#include "engine/src/device/cuda_device.hpp"

namespace talkrt::nn {

/// Blocks of a GPU's memory that come and go in any order, in pieces that stay. What was given back may be
/// taken again at once: whoever computes in it does so in the order of one stream. From any thread.
class DeviceArena {
 public:
  /// Pieces are charged to `budget`, and what `allowance` has charged for them beforehand is let go
  /// meanwhile. All must outlive this.
  DeviceArena(const device::CudaDevice& gpu, device::Budget& budget, device::Charge& allowance)
      : gpu_(gpu), budget_(budget), allowance_(allowance) {}

  /// On a boundary of 256 bytes. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  [[nodiscard]] void* take(std::size_t bytes);
  void give(void* memory) noexcept;
  /// Of all pieces: the most that was needed together, and what lay between.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Block {
    std::size_t bytes;
    std::size_t piece;
    bool free;
  };
  using Blocks = std::map<std::byte*, Block>;

  Blocks::iterator best_fit(std::size_t bytes);
  Blocks::iterator add_piece(std::size_t bytes);
  void join(Blocks::iterator block, Blocks::iterator next);

  const device::CudaDevice& gpu_;
  device::Budget& budget_;
  device::Charge& allowance_;
  mutable std::mutex mutex_;
  std::vector<device::Buffer> pieces_;
  Blocks blocks_;  // of all pieces, without gaps
};

}  // namespace talkrt::nn
