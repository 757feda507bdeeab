// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the head: the plan's colour or picture, the host's, or nothing. Owns its picture,
// which has the frame's size.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

enum class BackdropSource { plan, color, image, transparent };

/// A borrowed RGB8 picture, rows tightly packed.
struct PictureView {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0;
};

struct BackdropSpec {
  BackdropSource source = BackdropSource::plan;
  std::array<float, 3> color{};  // for color
  PictureView image;             // for image, of the frame's size
};

class Backdrop {
 public:
  Backdrop() = default;
  Backdrop(const plan::Plan& plan, const BackdropSpec& spec, int width, int height, device::Budget& budget);

  [[nodiscard]] const gaussian::Background& view() const noexcept { return view_; }
  [[nodiscard]] bool fits(int width, int height) const noexcept {
    return width == width_ && height == height_;
  }
  /// The same for pictures of another size: a picture is stretched to it.
  [[nodiscard]] Backdrop resized(int width, int height, device::Budget& budget) const;

 private:
  void show(const PictureView& picture, device::Budget& budget);

  int width_ = 0, height_ = 0;
  device::Buffer picture_;
  gaussian::Background view_;
};

/// A backdrop for views of any size; keeps the last one that was not the session's.
class ViewBackdrop {
 public:
  /// Both must outlive it.
  ViewBackdrop(const Backdrop& backdrop, device::Budget& budget) : backdrop_(&backdrop), budget_(&budget) {}

  /// Throws OUT_OF_BUDGET.
  [[nodiscard]] const gaussian::Background& behind(const gaussian::Camera& camera);

 private:
  const Backdrop* backdrop_;
  device::Budget* budget_;
  Backdrop resized_;
};

/// Stretches `from` to width x height by averaging the pixels that each new one covers (linear in
/// between when it grows); pixel centres at .5.
void resize_rgb8(const PictureView& from, int width, int height, std::span<std::uint8_t> out);

}  // namespace talkrt::render
