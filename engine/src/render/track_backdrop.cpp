// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/track_backdrop.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace talkrt::render {
namespace {

constexpr int kRowsPerTask = 16;

/// Calls row(y) for each of `count` rows, several at a time.
template <class Row>
void for_rows(int count, Executor& executor, Row row) {
  executor.for_each((count + kRowsPerTask - 1) / kRowsPerTask, [&](int task, int) {
    const int end = std::min((task + 1) * kRowsPerTask, count);
    for (int y = task * kRowsPerTask; y < end; ++y) row(y);
  });
}

/// Where pixel `to` of `to_size` falls in a picture of `from_size`, middles on each other.
float place(int to, int to_size, int from_size, float step) {
  return (static_cast<float>(to) + 0.5f - 0.5f * static_cast<float>(to_size)) * step +
         0.5f * static_cast<float>(from_size) - 0.5f;
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
}

template <class T>
T rounded(float value) {
  if constexpr (sizeof(T) == 1) {
    return to_byte(value);
  } else {
    return value;
  }
}

}  // namespace

Stretch::Stretch(int width, int height, int channels, device::Budget& budget)
    : width_(width),
      height_(height),
      values_(budget, "background",
              static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                  static_cast<std::size_t>(channels)),
      columns_(budget, "background", static_cast<std::size_t>(width) * sizeof(Tap)) {}

TrackBackdrop::TrackBackdrop(const plan::Plan& plan, const BackdropSpec& spec, device::Budget& budget)
    : bytes_(plan.manifest().avatar->composite == plan::Composite::layered),
      transparent_(spec.source == BackdropSource::transparent),
      width_(plan.manifest().width),
      height_(plan.manifest().height) {
  const std::size_t values = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3;
  background_ = device::Buffer(budget, "background", values);
  composed_ = device::Buffer(budget, "background", bytes_ ? values : values * sizeof(float));
  const auto background = background_.as<std::uint8_t>();
  if (spec.source == BackdropSource::plan) {
    std::memcpy(background.data(), plan.find("gaussian/background")->bytes.data(), values);
  } else if (spec.source == BackdropSource::image) {
    resize_rgb8(spec.image, width_, height_, background);
  } else if (spec.source == BackdropSource::color) {
    for (std::size_t i = 0; i < values; ++i) {
      background[i] = to_byte(spec.color[i % 3] * 255);
    }
  }
  if (const plan::TensorView* torsos = plan.find("gaussian/track/torsos")) {
    torsos_ = reinterpret_cast<const std::uint8_t*>(torsos->bytes.data());
    rows_ = static_cast<int>(torsos->shape[1]);
    columns_ = static_cast<int>(torsos->shape[2]);
    top_ = plan.manifest().avatar->torso[0];
    left_ = plan.manifest().avatar->torso[1];
  }
  if (bytes_) {
    std::copy(background.begin(), background.end(), composed_.as<std::uint8_t>().begin());
  } else {
    std::transform(background.begin(), background.end(), composed_.as<float>().begin(),
                   [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0f; });
  }
}

void TrackBackdrop::show(int frame, Executor& executor) {
  if (frame == frame_ || torsos_ == nullptr) return;
  frame_ = frame;
  if (!transparent_) for_rows(rows_, executor, [&](int row) { blend_row(row); });
}

void TrackBackdrop::blend_row(int row) {
  const auto columns = static_cast<std::size_t>(columns_);
  const std::uint8_t* torso = torsos_ + (static_cast<std::size_t>(frame_) * static_cast<std::size_t>(rows_) +
                                         static_cast<std::size_t>(row)) *
                                            columns * 4;
  const std::size_t first = (static_cast<std::size_t>(top_ + row) * static_cast<std::size_t>(width_) +
                             static_cast<std::size_t>(left_)) *
                            3;
  const std::uint8_t* behind = background_.as<std::uint8_t>().data() + first;
  if (bytes_) {
    std::uint8_t* out = composed_.as<std::uint8_t>().data() + first;
    for (std::size_t x = 0; x < columns; ++x, torso += 4, behind += 3, out += 3) {
      if (torso[3] == 0 || torso[3] == 255) {  // nearly all: exact without the arithmetic below
        std::memcpy(out, torso[3] == 0 ? behind : torso, 3);
        continue;
      }
      const double alpha = torso[3];
      for (std::size_t c = 0; c < 3; ++c) {
        // In doubles and cut off: float32 would differ in one byte of 200.
        out[c] = static_cast<std::uint8_t>(torso[c] * alpha / 255.0 + behind[c] * (1.0 - alpha / 255.0));
      }
    }
  } else {
    float* out = composed_.as<float>().data() + first;
    for (std::size_t x = 0; x < columns; ++x, torso += 4, behind += 3, out += 3) {
      const float alpha = static_cast<float>(torso[3]) / 255.0f;
      for (std::size_t c = 0; c < 3; ++c) {
        const float over = static_cast<float>(torso[c]) / 255.0f * alpha;
        out[c] = over + static_cast<float>(behind[c]) / 255.0f * (1.0f - alpha);
      }
    }
  }
}

Stretch TrackBackdrop::stretch(int width, int height, device::Budget& budget) const {
  return {width, height, bytes_ ? 3 : 3 * static_cast<int>(sizeof(float)), budget};
}

gaussian::Background TrackBackdrop::view(Stretch& into, float distance, Executor& executor) const {
  gaussian::Background out;
  if (transparent_) {
    out.kind = gaussian::Backdrop::transparent;
    return out;
  }
  const auto fill = [&]<class T>(std::span<const T> from, std::span<T> to) -> const T* {
    if (into.fits(width_, height_) && distance == 1) return from.data();
    const float step = distance * static_cast<float>(height_) / static_cast<float>(into.height_);
    const auto tap = [&](int at, int to_size, int from_size) {
      const float where =
          std::clamp(place(at, to_size, from_size, step), 0.0f, static_cast<float>(from_size - 1));
      const int low = static_cast<int>(where);
      return Stretch::Tap{low, std::min(low + 1, from_size - 1), where - static_cast<float>(low)};
    };
    const auto columns = into.columns_.as<Stretch::Tap>();
    for (int x = 0; x < into.width_; ++x) columns[static_cast<std::size_t>(x)] = tap(x, into.width_, width_);
    for_rows(into.height_, executor, [&](int y) {
      const Stretch::Tap row = tap(y, into.height_, height_);
      const T* low = from.data() + std::ptrdiff_t{row.low} * width_ * 3;
      const T* high = from.data() + std::ptrdiff_t{row.high} * width_ * 3;
      T* pixel = to.data() + std::ptrdiff_t{y} * into.width_ * 3;
      for (const Stretch::Tap& column : columns) {
        for (int c = 0; c < 3; ++c) {
          const auto across = [&](const T* line) {
            const auto a = static_cast<float>(line[3 * column.low + c]);
            return a + column.share * (static_cast<float>(line[3 * column.high + c]) - a);
          };
          const float upper = across(low);
          *pixel++ = rounded<T>(upper + row.share * (across(high) - upper));
        }
      }
    });
    return to.data();
  };
  if (bytes_) {
    out.kind = gaussian::Backdrop::image;
    out.image =
        fill(std::span<const std::uint8_t>(composed_.as<std::uint8_t>()), into.values_.as<std::uint8_t>());
  } else {
    out.kind = gaussian::Backdrop::picture;
    out.picture = fill(std::span<const float>(composed_.as<float>()), into.values_.as<float>());
  }
  return out;
}

void TrackBackdrop::lay_under(std::uint8_t* rgba, std::int64_t stride, int width, int height, float distance,
                              Executor& executor) const {
  if (!transparent_ || torsos_ == nullptr) return;
  const float step = distance * static_cast<float>(height_) / static_cast<float>(height);
  const std::uint8_t* torsos = torsos_ + std::ptrdiff_t{frame_} * rows_ * columns_ * 4;
  for_rows(height, executor, [&](int y) {
    const float row = std::round(place(y, height, height_, step)) - static_cast<float>(top_);
    if (!(row >= 0) || row >= static_cast<float>(rows_)) return;
    for (int x = 0; x < width; ++x) {
      const float column = std::round(place(x, width, width_, step)) - static_cast<float>(left_);
      if (!(column >= 0) || column >= static_cast<float>(columns_)) continue;
      const std::uint8_t* torso =
          torsos + (std::ptrdiff_t{static_cast<int>(row)} * columns_ + static_cast<int>(column)) * 4;
      std::uint8_t* pixel = rgba + stride * y + std::ptrdiff_t{x} * 4;
      const float alpha = static_cast<float>(pixel[3]) / 255.0f;
      const float added = static_cast<float>(torso[3]) / 255.0f * (1.0f - alpha), sum = alpha + added;
      if (added == 0) continue;
      for (int c = 0; c < 3; ++c) {
        pixel[c] =
            to_byte((static_cast<float>(pixel[c]) * alpha + static_cast<float>(torso[c]) * added) / sum);
      }
      pixel[3] = to_byte(sum * 255.0f);
    }
  });
}

}  // namespace talkrt::render
