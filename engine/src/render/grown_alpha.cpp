// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/grown_alpha.hpp"

#include <algorithm>

namespace talkrt::render {
namespace {

constexpr int kReach = 6;  // pixels, so 13 in all
constexpr int kRowsPerTask = 16;

gaussian::RasterOptions behind_only(gaussian::RasterOptions options) {
  options.layer = 1;
  options.layers_apart = false;
  return options;
}

std::size_t floats(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

}  // namespace

GrownAlpha::GrownAlpha(const Figure& figure, const gaussian::Camera& camera, gaussian::RasterOptions options,
                       Executor& executor, device::Budget& budget, GaussianRenderer::Warn warn)
    : width_(camera.width),
      height_(camera.height),
      alpha_(budget, "grown alpha", floats(width_, height_) * sizeof(float)),
      rows_(budget, "grown alpha", floats(width_, height_) * sizeof(float)),
      channels_{.alpha = alpha_.as<float>().data()},
      target_{.channels = &channels_},
      renderer_(figure, camera, behind_only(options), {}, target_, executor, budget, std::move(warn)) {}

const float* GrownAlpha::of(const Figure& figure, const gaussian::Camera& camera, Executor& executor) {
  renderer_.draw(figure, {nullptr, 0, true}, camera, {}, target_, executor);
  float* alpha = alpha_.as<float>().data();
  float* rows = rows_.as<float>().data();
  const auto for_rows = [&](auto row) {
    executor.for_each((height_ + kRowsPerTask - 1) / kRowsPerTask, [&](int task, int) {
      const int end = std::min((task + 1) * kRowsPerTask, height_);
      for (int y = task * kRowsPerTask; y < end; ++y) row(y);
    });
  };
  const auto raise = [](float* to, const float* from, int count) {
    for (int x = 0; x < count; ++x) to[x] = std::max(to[x], from[x]);
  };
  for_rows([&](int y) {
    const float* from = alpha + std::ptrdiff_t{y} * width_;
    float* to = rows + std::ptrdiff_t{y} * width_;
    std::copy_n(from, width_, to);
    for (int d = 1; d <= std::min(kReach, width_ - 1); ++d) {
      raise(to, from + d, width_ - d);
      raise(to + d, from, width_ - d);
    }
  });
  for_rows([&](int y) {
    float* to = alpha + std::ptrdiff_t{y} * width_;
    std::copy_n(rows + std::ptrdiff_t{y} * width_, width_, to);
    for (int v = std::max(0, y - kReach); v <= std::min(height_ - 1, y + kReach); ++v) {
      raise(to, rows + std::ptrdiff_t{v} * width_, width_);
    }
  });
  return alpha;
}

}  // namespace talkrt::render
