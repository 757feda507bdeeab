// SPDX-License-Identifier: Apache-2.0
//
// One picture of a session. Owns its slot: the pixels stay until the Frame is destroyed or pulled into again.
#pragma once

#include <talkrt/talkrt.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace talkrt {

class Frame {
 public:
  Frame() noexcept { talkrt_frame_init(&record_); }
  Frame(Frame&& other) noexcept : record_(other.record_) { talkrt_frame_init(&other.record_); }
  Frame& operator=(Frame&& other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  ~Frame() { talkrt_frame_release(record_.slot); }

  [[nodiscard]] std::int64_t index() const noexcept { return record_.index; }
  /// Sample that this frame is to be shown with.
  [[nodiscard]] std::int64_t audio_position() const noexcept { return record_.audio_position; }
  [[nodiscard]] int width() const noexcept { return record_.width; }
  [[nodiscard]] int height() const noexcept { return record_.height; }
  /// RGBA8, `width` pixels. Only of a frame that Session::pull filled.
  [[nodiscard]] std::span<const std::uint8_t> row(int y) const noexcept {
    return {record_.pixels + y * record_.stride, static_cast<std::size_t>(record_.width) * 4};
  }
  /// Time this frame spent in each talkrt_stage.
  [[nodiscard]] std::span<const std::uint64_t, TALKRT_STAGE_COUNT> stage_ns() const noexcept {
    return record_.stage_ns;
  }
  [[nodiscard]] const talkrt_frame& record() const noexcept { return record_; }

  /// Gives the slot back now; the frame is then as if new.
  void reset() noexcept {
    talkrt_frame_release(record_.slot);
    talkrt_frame_init(&record_);
  }

 private:
  friend class Session;
  talkrt_frame record_;
};

}  // namespace talkrt
