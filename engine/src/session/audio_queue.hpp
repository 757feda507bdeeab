// SPDX-License-Identifier: Apache-2.0
//
// Audio on its way from the thread that pushes to the thread that pulls, with an end and with cuts. All
// that threads must agree on about audio is decided here.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "engine/src/audio/ring_buffer.hpp"
#include "engine/src/device/budget.hpp"

namespace talkrt::session {

class AudioQueue {
 public:
  /// In page-locked memory of `gpu`, unless that is null: what a network on the GPU hears is then copied by
  /// its copy engine, and never paged out.
  AudioQueue(std::int64_t capacity, const device::CudaDevice* gpu, device::Budget& budget);

  /// Pushing thread. Takes what fits and returns how much that was; never waits. Throws FINISHED, and
  /// BAD_AUDIO for NaN or infinity among the samples that would fit.
  std::size_t push(std::span<const float> samples);
  /// Pushing thread. What fits now; a pop only makes it more.
  [[nodiscard]] std::size_t space() const noexcept;
  /// Pushing thread. Nothing will be pushed any more, until a cut.
  void finish() noexcept { finished_.store(true, std::memory_order_release); }
  /// Any thread. Drops what is queued; the next sample begins a new stream, even after finish().
  void cut();

  struct Popped {
    std::size_t count = 0;
    bool cut = false;    // a cut waits to be taken; nothing was popped
    bool ended = false;  // finished, and empty
  };
  /// Pulling thread.
  Popped pop(std::span<float> out);
  /// Pulling thread. Once after each cut: where the new stream begins.
  std::optional<std::int64_t> take_cut();
  /// Position after the last sample of a finished stream; nothing while more may come.
  [[nodiscard]] std::optional<std::int64_t> end() const noexcept;

  struct Counts {
    std::int64_t pushed = 0, queued = 0;
    std::optional<std::int64_t> cut;  // not taken yet
  };
  [[nodiscard]] Counts counts() const;

 private:
  device::Buffer storage_;
  audio::RingBuffer ring_;
  mutable std::mutex
      consumer_;  // whoever takes from the ring: a pop, or a cut from any thread; held for a copy
  std::optional<std::int64_t> cut_;
  std::atomic<bool> finished_{false};
};

}  // namespace talkrt::session
