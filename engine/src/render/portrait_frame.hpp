// SPDX-License-Identifier: Apache-2.0
//
// A network's picture as a frame: alone, or in its place in the portrait's picture.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/src/device/budget.hpp"
#include "kernels/executor.hpp"
#include "kernels/image/affine.hpp"
#include "kernels/image/paste.hpp"

namespace talkrt::render {

class PortraitFrame {
 public:
  /// The place of a crop in a picture, which is stretched to the frame's size.
  struct Place {
    image::Background picture;  // RGBA8; copied
    image::Affine to_crop;
  };
  /// What a place comes to for frames of a size, in the host's memory.
  struct Surroundings {
    device::Buffer picture, mask;  // RGBA8 [height, width, 4]; doubles [side, side]
    image::Affine to_frame;        // from the frame's coordinates to those of the network's picture

    Surroundings() = default;
    Surroundings(int side, int width, int height, const Place& place, device::Budget& budget,
                 Executor& executor);
  };
  /// `side` is the network's picture's. Without a place the frame is that picture, stretched.
  PortraitFrame(int side, int width, int height, const std::optional<Place>& place, device::Budget& budget,
                Executor& executor);

  /// `planes` [3, side, side] in [0, 1]; `out` RGBA8, rows `stride` bytes apart.
  void draw(const float* planes, std::uint8_t* out, std::int64_t stride, Executor& executor) const;

 private:
  int side_, width_, height_;
  bool placed_;
  device::Buffer picture_;  // [side, side, 4], where it is not drawn straight into the frame
  Surroundings around_;
};

}  // namespace talkrt::render
