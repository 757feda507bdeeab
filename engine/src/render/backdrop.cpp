// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/backdrop.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace talkrt::render {
namespace {

/// Which source pixels make one new pixel, along one axis.
struct Taps {
  int first = 0;
  std::vector<float> weights;  // sum to 1
};

// A tent as wide as a pixel of the coarser grid: a box average when shrinking, linear when growing.
std::vector<Taps> taps(int from, int to) {
  const double scale = static_cast<double>(from) / to, reach = std::max(scale, 1.0);
  std::vector<Taps> out(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale - 0.5;
    Taps& tap = out[static_cast<std::size_t>(i)];
    tap.first = std::max(0, static_cast<int>(std::ceil(centre - reach)));
    const int last = std::min(from - 1, static_cast<int>(std::floor(centre + reach)));
    float sum = 0;
    for (int s = tap.first; s <= last; ++s) {
      tap.weights.push_back(static_cast<float>(std::max(0.0, 1.0 - std::abs(s - centre) / reach)));
      sum += tap.weights.back();
    }
    for (float& weight : tap.weights) weight /= sum;
  }
  return out;
}

}  // namespace

void resize_rgb8(const PictureView& from, int width, int height, std::span<std::uint8_t> out) {
  const auto columns = taps(from.width, width), rows = taps(from.height, height);
  std::vector<float> sums(static_cast<std::size_t>(width) * 3);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const Taps& row = rows[static_cast<std::size_t>(y)];
    for (std::size_t v = 0; v < row.weights.size(); ++v) {
      const std::size_t line =
          (static_cast<std::size_t>(row.first) + v) * static_cast<std::size_t>(from.width) * 3;
      for (std::size_t x = 0; x < columns.size(); ++x) {
        for (std::size_t u = 0; u < columns[x].weights.size(); ++u) {
          const std::uint8_t* pixel =
              from.pixels + line + (static_cast<std::size_t>(columns[x].first) + u) * 3;
          const float weight = row.weights[v] * columns[x].weights[u];
          for (std::size_t c = 0; c < 3; ++c) sums[3 * x + c] += weight * static_cast<float>(pixel[c]);
        }
      }
    }
    std::transform(
        sums.begin(), sums.end(), out.begin() + static_cast<std::ptrdiff_t>(sums.size()) * y,
        [](float value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)); });
  }
}

Backdrop::Backdrop(const plan::Plan& plan, const BackdropSpec& spec, int width, int height,
                   device::Budget& budget)
    : width_(width), height_(height) {
  switch (spec.source) {
    case BackdropSource::plan:
      if (const auto* tensor = plan.find("gaussian/background")) {
        show({reinterpret_cast<const std::uint8_t*>(tensor->bytes.data()), static_cast<int>(tensor->shape[1]),
              static_cast<int>(tensor->shape[0])},
             budget);
      } else {
        std::copy_n(plan.manifest().gaussian->background.begin(), 3, view_.color);
      }
      break;
    case BackdropSource::color:
      std::copy_n(spec.color.begin(), 3, view_.color);
      break;
    case BackdropSource::image:
      show(spec.image, budget);
      break;
    case BackdropSource::transparent:
      view_.kind = gaussian::Backdrop::transparent;
      break;
  }
}

Backdrop Backdrop::resized(int width, int height, device::Budget& budget) const {
  Backdrop out;
  out.width_ = width;
  out.height_ = height;
  out.view_ = view_;
  if (view_.kind == gaussian::Backdrop::image) out.show({view_.image, width_, height_}, budget);
  return out;
}

const gaussian::Background& ViewBackdrop::behind(const gaussian::Camera& camera) {
  if (backdrop_->fits(camera.width, camera.height)) return backdrop_->view();
  if (!resized_.fits(camera.width, camera.height)) {
    resized_ = Backdrop();
    resized_ = backdrop_->resized(camera.width, camera.height, *budget_);
  }
  return resized_.view();
}

void Backdrop::show(const PictureView& picture, device::Budget& budget) {
  picture_ = device::Buffer(budget, "background",
                            static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3);
  resize_rgb8(picture, width_, height_, picture_.as<std::uint8_t>());
  view_.kind = gaussian::Backdrop::image;
  view_.image = picture_.as<std::uint8_t>().data();
}

}  // namespace talkrt::render
