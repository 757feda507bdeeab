// SPDX-License-Identifier: Apache-2.0
//
// What is behind the Gaussians of a recorded avatar: in each frame of its track another torso, over a
// background that stays. Composed at the recording's size, exactly as the programs that train such avatars do
// it; another size or distance is a stretched copy.
#pragma once

#include <span>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"
#include "engine/src/render/backdrop.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

/// Memory for copies of one size. What is composed must fit the same picture for its whole life.
class Stretch {
 public:
  Stretch() = default;
  Stretch(int width, int height, int channels, device::Budget& budget);

  [[nodiscard]] bool fits(int width, int height) const noexcept {
    return width == width_ && height == height_;
  }

 private:
  friend class TrackBackdrop;
  struct Tap {  // a place between two pixels
    int low = 0, high = 0;
    float share = 0;  // of the high one
  };

  int width_ = 0, height_ = 0;
  device::Buffer values_, columns_;
};

/// What a backdrop is composed of.
struct TrackPicture {
  bool bytes = false;        // composed to bytes that are cut off, or to floats
  bool transparent = false;  // nothing behind the torso
  int width = 0, height = 0;
  std::span<const std::uint8_t> background;  // [height, width, 3]
  const std::uint8_t* torsos = nullptr;      // [frames, rows, columns, 4], or null
  int top = 0, left = 0, rows = 0, columns = 0;

  [[nodiscard]] std::size_t torso_bytes() const noexcept {
    return torsos == nullptr ? 0 : static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * 4;
  }
  [[nodiscard]] const std::uint8_t* torso(int frame) const noexcept {
    return torsos + static_cast<std::size_t>(frame) * torso_bytes();
  }
};

class TrackBackdrop {
 public:
  /// `plan` must outlive it. A picture of the host's has any size.
  TrackBackdrop(const plan::Plan& plan, const BackdropSpec& spec, device::Budget& budget);

  [[nodiscard]] TrackPicture picture() const noexcept {
    return {bytes_,  transparent_, width_, height_, background_.as<std::uint8_t>(),
            torsos_, top_,         left_,  rows_,   columns_};
  }
  /// Composes what is behind frame `frame` of the track.
  void show(int frame, Executor& executor);
  /// The same for pictures of another size, memory for which is taken here.
  [[nodiscard]] Stretch stretch(int width, int height, device::Budget& budget) const;
  /// What show() composed, for pictures of the size of `into`: as high as they are, and its middle in theirs,
  /// `distance` times as far away; beyond its edges it goes on as it ends.
  [[nodiscard]] gaussian::Background view(Stretch& into, float distance, Executor& executor) const;
  /// Lays the torso under a picture that was drawn on nothing; for the others it does nothing.
  void lay_under(std::uint8_t* rgba, std::int64_t stride, int width, int height, float distance,
                 Executor& executor) const;

 private:
  void blend_row(int row);

  bool bytes_;        // cut off to bytes when composed, or not at all
  bool transparent_;  // nothing behind the torso
  int width_, height_;
  const std::uint8_t* torsos_ = nullptr;  // [frames, rows, columns, 4], or null
  int top_ = 0, left_ = 0, rows_ = 0, columns_ = 0, frame_ = -1;
  device::Buffer background_;  // u8 [height, width, 3]
  device::Buffer composed_;    // the same, or floats
};

}  // namespace talkrt::render
