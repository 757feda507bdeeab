// SPDX-License-Identifier: Apache-2.0
//
// From blended light to the caller's pixels: background, 8-bit rounding, the optional float outputs.
#pragma once

#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/simd.hpp"
#include "kernels/gaussian/transpose.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

/// A 4x4 block of pixels, column by column: premultiplied colour, transmittance and sum of weight * depth.
struct PixelBlock {
  Floats red, green, blue, transmittance, depth;
};

class Resolver {
 public:
  explicit Resolver(const RasterFrame& frame)
      : frame_(frame), width_(frame.camera.width), height_(frame.camera.height) {}

  /// Writes the block whose first pixel is (x, y), as far as it lies in the image.
  void write(const PixelBlock& block, int x, int y) const;

  /// How much of the background layer 1 lets through there, by Background::hidden.
  [[nodiscard]] Floats unhidden(int x, int y) const;

 private:
  struct Backdrops {
    Floats red, green, blue;
  };
  [[nodiscard]] Backdrops backdrop(int x, int y) const;
  [[nodiscard]] Backdrops pictured(int x, int y) const;
  [[nodiscard]] Ints cropped_backdrop(const std::uint8_t* image, int x, int y) const;
  void write_bytes(const PixelBlock& over, Floats alpha, int x, int y, int columns, int rows) const;
  void write_floats(const PixelBlock& over, Floats alpha, int x, int y, int columns, int rows) const;

  void write_channels(const PixelBlock& over, Floats alpha, int x, int y, int columns, int rows) const;

  const RasterFrame& frame_;
  int width_, height_;
};

inline Floats Resolver::unhidden(int x, int y) const {
  alignas(64) float hidden[kLanes] = {};
  const int columns = width_ - x < 4 ? width_ - x : 4, rows = height_ - y < 4 ? height_ - y : 4;
  for (int row = 0; row < rows; ++row) {
    const float* from = frame_.background.hidden + static_cast<std::ptrdiff_t>(y + row) * width_ + x;
    for (int column = 0; column < columns; ++column) hidden[column * 4 + row] = from[column];
  }
  return Floats(1.0f) - load(hidden);
}

inline Resolver::Backdrops Resolver::backdrop(int x, int y) const {
  const Background& background = frame_.background;
  if (background.kind == Backdrop::transparent) return {Floats(0.0f), Floats(0.0f), Floats(0.0f)};
  if (background.kind == Backdrop::color) {
    return {Floats(background.color[0]), Floats(background.color[1]), Floats(background.color[2])};
  }
  if (background.kind == Backdrop::picture) return pictured(x, y);
  // Sixteen bytes a row hold its four pixels and a bit; at the image's end they would reach beyond it.
  const bool inside = x + 4 <= width_ && y + 4 <= height_ && !(x + 6 > width_ && y + 4 == height_);
  const std::uint8_t* first = background.image + (static_cast<std::ptrdiff_t>(y) * width_ + x) * 3;
  const Ints rgb = inside ? load_rgb_block(first, static_cast<std::ptrdiff_t>(width_) * 3)
                          : cropped_backdrop(background.image, x, y);
  // A product with 1 / 255 may fall short of byte / 255, and then be cut off to the byte below.
  const bool exact = frame_.target.cut_off;
  const auto channel = [exact](Ints byte) {
    const Floats value = to_floats(byte & ints(255));
    return exact ? value / Floats(255.0f) : value * Floats(1.0f / 255.0f);
  };
  return {channel(rgb), channel(shift_right<8>(rgb)), channel(shift_right<16>(rgb))};
}

/// Out of a picture of floats; 0 beyond its edge.
inline Resolver::Backdrops Resolver::pictured(int x, int y) const {
  alignas(64) float rgb[3][kLanes] = {};
  const int columns = width_ - x < 4 ? width_ - x : 4, rows = height_ - y < 4 ? height_ - y : 4;
  for (int row = 0; row < rows; ++row) {
    const float* from = frame_.background.picture + (static_cast<std::ptrdiff_t>(y + row) * width_ + x) * 3;
    for (int column = 0; column < columns; ++column) {
      for (int c = 0; c < 3; ++c) rgb[c][column * 4 + row] = from[column * 3 + c];
    }
  }
  return {load(rgb[0]), load(rgb[1]), load(rgb[2])};
}

/// Out of an image, for a block that its edge cuts; 0 beyond.
inline Ints Resolver::cropped_backdrop(const std::uint8_t* image, int x, int y) const {
  alignas(64) std::int32_t rgb[kLanes] = {};
  for (int lane = 0; lane < kLanes; ++lane) {
    const int column = x + lane / 4, row = y + lane % 4;
    if (column >= width_ || row >= height_) continue;
    __builtin_memcpy(rgb + lane, image + (static_cast<std::ptrdiff_t>(row) * width_ + column) * 3, 3);
  }
  return load(rgb);
}

inline void Resolver::write(const PixelBlock& block, int x, int y) const {
  const int columns = width_ - x < 4 ? width_ - x : 4, rows = height_ - y < 4 ? height_ - y : 4;
  if (columns <= 0 || rows <= 0) return;
  const Backdrops behind = backdrop(x, y);
  const PixelBlock over{fma(block.transmittance, behind.red, block.red),
                        fma(block.transmittance, behind.green, block.green),
                        fma(block.transmittance, behind.blue, block.blue), block.transmittance, block.depth};
  const Floats alpha = Floats(1.0f) - block.transmittance;
  if (frame_.target.rgba8 != nullptr) write_bytes(over, alpha, x, y, columns, rows);
  if (frame_.target.rgba_float != nullptr || frame_.target.depth != nullptr) {
    write_floats(over, alpha, x, y, columns, rows);
  }
  if (frame_.target.channels != nullptr) write_channels(over, alpha, x, y, columns, rows);
}

inline void Resolver::write_bytes(const PixelBlock& over, Floats alpha, int x, int y, int columns,
                                  int rows) const {
  const Floats zero(0.0f), one(1.0f);
  const Floats up(frame_.target.cut_off ? 0.0f : 0.5f);
  const auto bytes = [&](Floats v) { return truncate(fma(clamp(v, zero, one), Floats(255.0f), up)); };
  const bool transparent = frame_.background.kind == Backdrop::transparent;
  // Not premultiplied, as PNG and video encoders take it; an empty pixel is black.
  const Floats scale = transparent ? one / max(alpha, Floats(1e-9f)) : one;
  const Ints a = transparent ? bytes(alpha) : ints(255);
  const Ints rgba = bytes(over.red * scale) | shift_left<8>(bytes(over.green * scale)) |
                    shift_left<16>(bytes(over.blue * scale)) | shift_left<24>(a);
  alignas(64) std::int32_t pixels[kLanes];  // row by row
  store_transposed(pixels, rgba);
  std::uint8_t* to =
      frame_.target.rgba8 + frame_.target.rgba8_stride * y + static_cast<std::ptrdiff_t>(x) * 4;
  for (int row = 0; row < rows; ++row, to += frame_.target.rgba8_stride) {
    if (columns == 4) {
      __builtin_memcpy(to, pixels + row * 4, 16);
    } else {
      __builtin_memcpy(to, pixels + row * 4, static_cast<std::size_t>(columns) * 4);
    }
  }
}

inline void Resolver::write_floats(const PixelBlock& over, Floats alpha, int x, int y, int columns,
                                   int rows) const {
  alignas(64) float values[5][kLanes];
  store(values[0], over.red);
  store(values[1], over.green);
  store(values[2], over.blue);
  store(values[3], alpha);
  store(values[4], over.depth);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(y + row) * width_ + x + column;
      const int lane = column * 4 + row;
      if (frame_.target.rgba_float != nullptr) {
        for (int c = 0; c < 4; ++c) frame_.target.rgba_float[pixel * 4 + c] = values[c][lane];
      }
      if (frame_.target.depth != nullptr) {
        frame_.target.depth[pixel] = values[3][lane] > 0 ? values[4][lane] / values[3][lane] : 0.0f;
      }
    }
  }
}

inline void Resolver::write_channels(const PixelBlock& over, Floats alpha, int x, int y, int columns,
                                     int rows) const {
  const Channels& to = *frame_.target.channels;
  alignas(64) float color[3][kLanes], alphas[kLanes], depth[kLanes];
  store(color[0], over.red);
  store(color[1], over.green);
  store(color[2], over.blue);
  store(alphas, alpha);
  store(depth, to.expected ? zero_unless(alpha > Floats(0.0f), over.depth / alpha) : over.depth);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(y + row) * width_ + x + column;
      const int lane = column * 4 + row;
      if (to.color != nullptr) {
        for (int c = 0; c < to.color_count; ++c) to.color[pixel * to.color_stride + c] = color[c][lane];
      }
      if (to.alpha != nullptr) to.alpha[pixel * to.alpha_stride] = alphas[lane];
      if (to.depth != nullptr) to.depth[pixel * to.depth_stride] = depth[lane];
    }
  }
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
