// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/row_window.hpp"

namespace talkrt::features {

RowWindow::RowWindow(const plan::RowFeatures& spec, std::int64_t ahead, device::Budget& budget)
    : channels_(spec.channels),
      width_(spec.row_width),
      before_(spec.before),
      after_(spec.after),
      slots_(spec.window() + ahead),
      memory_(budget, "window of features",
              static_cast<std::size_t>(slots_) * static_cast<std::size_t>(spec.channels) *
                  static_cast<std::size_t>(spec.row_width) * sizeof(float)) {}

std::span<float> RowWindow::slot(std::int64_t row) const {
  const auto floats = static_cast<std::size_t>(channels_) * static_cast<std::size_t>(width_);
  return memory_.as<float>().subspan(static_cast<std::size_t>(row % slots_) * floats, floats);
}

void RowWindow::collect(RowSource& source) {
  for (; next_ < source.ready(); ++next_) source.take(slot(next_));
}

void RowWindow::copy(std::int64_t row, std::span<float> out) const {
  auto to = out.begin();
  for (std::int64_t at = row - before_; at < row + after_; ++at) {
    const bool spoken = at >= first_ && at < next_;
    const std::span<float> from = spoken ? slot(at) : std::span<float>();
    const auto channels = static_cast<std::size_t>(channels_), width = static_cast<std::size_t>(width_);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t w = 0; w < width; ++w) *to++ = spoken ? from[w * channels + c] : 0.0f;
    }
  }
}

}  // namespace talkrt::features
