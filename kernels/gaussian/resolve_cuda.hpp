// SPDX-License-Identifier: Apache-2.0
//
// From blended light to the caller's pixels: RGBA8, NV12, floats. A warp holds 8x4 pixels, lane by lane in
// rows.
#pragma once

#include "kernels/gaussian/extent_cuda.hpp"

namespace talkrt::gaussian::cuda {

/// A pixel's premultiplied colour, transmittance and sum of weight * depth.
struct Pixel {
  float red = 0, green = 0, blue = 0, transmittance = 1, depth = 0;
};

__device__ __forceinline__ std::uint8_t to_byte(float v, float scale, float offset) {
  return static_cast<std::uint8_t>(static_cast<int>(fmaf(v, scale, offset + 0.5f)));
}

__device__ __forceinline__ float unit(float v) { return clamped(v, 0.0f, 1.0f); }

/// A product with 1 / 255 may fall short of byte / 255, and then be cut off to the byte below.
__device__ __forceinline__ float from_byte(std::uint8_t byte, bool exact) {
  const auto value = static_cast<float>(byte);
  return exact ? value / 255.0f : value * (1.0f / 255.0f);
}

/// Adds what is behind, as far as it shows.
__device__ inline Pixel over_background(const CudaView& view, Pixel p, std::ptrdiff_t at) {
  const Background& behind = view.background;
  if (behind.kind == Backdrop::transparent) return p;
  float c[3];
  for (int i = 0; i < 3; ++i) {
    c[i] = behind.kind == Backdrop::color   ? behind.color[i]
           : behind.kind == Backdrop::image ? from_byte(behind.image[at * 3 + i], view.target.cut_off)
                                            : behind.picture[at * 3 + i];
  }
  p.red = fmaf(p.transmittance, c[0], p.red);
  p.green = fmaf(p.transmittance, c[1], p.green);
  p.blue = fmaf(p.transmittance, c[2], p.blue);
  return p;
}

__device__ inline void write_rgba8(const CudaView& view, const Pixel& p, float alpha, int x, int y) {
  const bool transparent = view.background.kind == Backdrop::transparent;
  // Not premultiplied, as PNG and video encoders take it; an empty pixel is black.
  const float scale = transparent ? 1.0f / fmaxf(alpha, 1e-9f) : 1.0f;
  const float up = view.target.cut_off ? -0.5f : 0.0f;
  const uchar4 rgba{to_byte(unit(p.red * scale), 255, up), to_byte(unit(p.green * scale), 255, up),
                    to_byte(unit(p.blue * scale), 255, up),
                    transparent ? to_byte(unit(alpha), 255, up) : std::uint8_t{255}};
  *reinterpret_cast<uchar4*>(view.target.rgba8 + view.target.rgba8_stride * y + std::ptrdiff_t{4} * x) = rgba;
}

/// All lanes of the warp call it. Chroma is the mean of those of its four pixels that are inside.
__device__ inline void write_nv12(const CudaView& view, const Pixel& p, bool inside, int x, int y) {
  const CudaTarget& to = view.target;
  const float red = unit(p.red), green = unit(p.green), blue = unit(p.blue);
  const float luma = fmaf(0.2126f, red, fmaf(0.7152f, green, 0.0722f * blue));
  if (inside) to.luma[to.luma_stride * y + x] = to_byte(luma, 219, 16);
  float sum[3] = {inside ? (blue - luma) / 1.8556f : 0.0f, inside ? (red - luma) / 1.5748f : 0.0f,
                  inside ? 1.0f : 0.0f};
  for (float& s : sum) {
    s += __shfl_xor_sync(0xffffffffu, s, 1);  // its neighbour in the row
    s += __shfl_xor_sync(0xffffffffu, s, 8);  // those in the next row
  }
  if (!inside || x % 2 != 0 || y % 2 != 0) return;
  std::uint8_t* uv = to.chroma + to.chroma_stride * (y / 2) + x;
  uv[0] = to_byte(sum[0] / sum[2], 224, 128);
  uv[1] = to_byte(sum[1] / sum[2], 224, 128);
}

/// All lanes of the warp call it.
__device__ inline void write_pixel(const CudaView& view, const Pixel& blended, int x, int y) {
  const bool inside = x < view.camera.width && y < view.camera.height;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(y) * view.camera.width + x;
  const CudaTarget& to = view.target;
  const Pixel p = inside ? over_background(view, blended, at) : blended;
  const float alpha = 1.0f - p.transmittance;
  if (to.luma != nullptr) write_nv12(view, p, inside, x, y);
  if (!inside) return;
  if (to.rgba8 != nullptr) write_rgba8(view, p, alpha, x, y);
  if (to.rgba_float != nullptr) {
    *reinterpret_cast<float4*>(to.rgba_float + at * 4) = {p.red, p.green, p.blue, alpha};
  }
  if (to.depth != nullptr) to.depth[at] = alpha > 0.0f ? p.depth / alpha : 0.0f;
}

}  // namespace talkrt::gaussian::cuda
