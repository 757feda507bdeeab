// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/portrait_frame.hpp"

namespace talkrt::render {
namespace {

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

/// Between pixel indices of two sizes of one picture.
image::Affine stretched(int from_width, int from_height, int to_width, int to_height) {
  const double x = static_cast<double>(to_width) / from_width,
               y = static_cast<double>(to_height) / from_height;
  return {x, 0, 0.5 * x - 0.5, 0, y, 0.5 * y - 0.5};
}

}  // namespace

PortraitFrame::Surroundings::Surroundings(int side, int width, int height, const Place& place,
                                          device::Budget& budget, Executor& executor)
    : picture(budget, "portrait's picture", 4 * area(width, height)),
      mask(budget, "portrait's mask", area(side, side) * sizeof(double)),
      to_frame(place.to_crop.after(stretched(width, height, place.picture.width, place.picture.height))) {
  image::resized(place.picture, width, height, picture.as<std::uint8_t>().data(), std::int64_t{4} * width,
                 executor);
  image::blend_mask(side, mask.as<double>());
}

PortraitFrame::PortraitFrame(int side, int width, int height, const std::optional<Place>& place,
                             device::Budget& budget, Executor& executor)
    : side_(side), width_(width), height_(height), placed_(place.has_value()) {
  if (placed_ || width != side || height != side) {
    picture_ = device::Buffer(budget, "portrait's frame", 4 * area(side, side));
  }
  if (placed_) around_ = Surroundings(side, width, height, *place, budget, executor);
}

void PortraitFrame::draw(const float* planes, std::uint8_t* out, std::int64_t stride,
                         Executor& executor) const {
  if (!placed_ && width_ == side_ && height_ == side_)
    return image::to_bytes(planes, side_, out, stride, executor);
  auto* picture = picture_.as<std::uint8_t>().data();
  image::to_bytes(planes, side_, picture, std::int64_t{4} * side_, executor);
  if (placed_) {
    image::paste({around_.picture.as<std::uint8_t>().data(), width_, height_},
                 {picture, around_.mask.as<double>().data(), side_, around_.to_frame}, out, stride, executor);
  } else {
    image::resized({picture, side_, side_}, width_, height_, out, stride, executor);
  }
}

}  // namespace talkrt::render
