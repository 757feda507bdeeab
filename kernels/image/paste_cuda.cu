// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch.hpp"
#include "kernels/image/paste_cuda.hpp"

namespace talkrt::image {
namespace cuda {
namespace {

constexpr int kColumns = 32, kRows = 4;  // of threads in a block

struct Rgba {
  std::uint8_t red, green, blue, alpha;
};

__device__ double lesser(double a, double b) { return b < a ? b : a; }
__device__ double greater(double a, double b) { return a < b ? b : a; }
__device__ double clamped(double v, double low, double high) { return v < low ? low : high < v ? high : v; }
__device__ int clamped(int v, int low, int high) { return v < low ? low : high < v ? high : v; }

/// A byte of the network's picture, as to_bytes makes it.
__device__ std::uint8_t byte_of(const CudaPortrait& portrait, std::ptrdiff_t x, std::ptrdiff_t y, int c) {
  const float value = portrait.planes[(c * std::ptrdiff_t{portrait.side} + y) * portrait.side + x];
  // NaN fails both comparisons and becomes black.
  const float kept = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
  return static_cast<std::uint8_t>(kept * 255.0f);
}

/// taps.hpp's, on a square.
struct Taps {
  std::ptrdiff_t left, top;
  double right_share, bottom_share;
  int side;

  __device__ Taps(double x, double y, int of_side) : side(of_side) {
    const double most = static_cast<double>(side);
    const double at_x = clamped(x, -1.0, most) + 1, at_y = clamped(y, -1.0, most) + 1;
    const double floor_x = lesser(floor(at_x), most), floor_y = lesser(floor(at_y), most);
    right_share = at_x - floor_x;
    bottom_share = at_y - floor_y;
    left = static_cast<std::ptrdiff_t>(floor_x) - 1;
    top = static_cast<std::ptrdiff_t>(floor_y) - 1;
  }

  template <class Value>
  [[nodiscard]] __device__ double read(Value&& value) const {
    const auto at = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
      return x >= 0 && y >= 0 && x < side && y < side ? static_cast<double>(value(x, y)) : 0.0;
    };
    const double upper = at(left, top) * (1 - right_share) + at(left + 1, top) * right_share;
    const double lower = at(left, top + 1) * (1 - right_share) + at(left + 1, top + 1) * right_share;
    return upper * (1 - bottom_share) + lower * bottom_share;
  }
};

__device__ Rgba pasted(const CudaPortrait& portrait, int x, int y) {
  const std::uint8_t* under = portrait.background + (std::ptrdiff_t{y} * portrait.width + x) * 4;
  std::uint8_t out[3] = {under[0], under[1], under[2]};
  const Affine& m = portrait.to_picture;
  const double u = m.xx * x + m.xy * y + m.x0, v = m.yx * x + m.yy * y + m.y0;
  const double side = portrait.side;
  // Within a pixel of the picture; all others stay as they are.
  if (u > -1 && u < side && v > -1 && v < side) {
    const Taps taps(u, v, portrait.side);
    const double share = taps.read([&](std::ptrdiff_t column, std::ptrdiff_t row) {
      return portrait.mask[row * portrait.side + column];
    });
    for (int c = 0; c < 3; ++c) {
      const double placed = taps.read(
          [&](std::ptrdiff_t column, std::ptrdiff_t row) { return byte_of(portrait, column, row, c); });
      const double mixed = share * placed + (1 - share) * under[c];
      out[c] = static_cast<std::uint8_t>(clamped(mixed, 0.0, 255.0));
    }
  }
  return {out[0], out[1], out[2], under[3]};
}

/// What pixel `i` of `count` covers on an axis of `source` pixels; where that is less than one pixel, a
/// window of one pixel about its centre, which is bilinear.
struct Cover {
  int first, last;
  double low, high;

  __device__ Cover(int i, int count, int source)
      : low(static_cast<double>(i) * source / count), high(static_cast<double>(i + 1) * source / count) {
    if (high - low < 1) {
      const double centre = (low + high) / 2;
      low = centre - 0.5;
      high = centre + 0.5;
    }
    first = static_cast<int>(floor(low));
    last = static_cast<int>(ceil(high));
  }
  [[nodiscard]] __device__ double share(int i) const {
    return lesser(static_cast<double>(i + 1), high) - greater(static_cast<double>(i), low);
  }
};

__device__ Rgba resized(const CudaPortrait& portrait, int x, int y) {
  const Cover rows(y, portrait.height, portrait.side), columns(x, portrait.width, portrait.side);
  double sum[3] = {};
  for (int v = rows.first; v < rows.last; ++v) {
    const int row = clamped(v, 0, portrait.side - 1);
    for (int u = columns.first; u < columns.last; ++u) {
      const double share = rows.share(v) * columns.share(u);
      const int column = clamped(u, 0, portrait.side - 1);
      for (int c = 0; c < 3; ++c) sum[c] += share * byte_of(portrait, column, row, c);
    }
  }
  const double area = (columns.high - columns.low) * (rows.high - rows.low);
  const auto nearest = [&](double value) { return static_cast<std::uint8_t>(lround(value / area)); };
  return {nearest(sum[0]), nearest(sum[1]), nearest(sum[2]), 255};
}

__device__ Rgba pixel_of(const CudaPortrait& portrait, int x, int y) {
  if (portrait.background != nullptr) return pasted(portrait, x, y);
  if (portrait.width != portrait.side || portrait.height != portrait.side) return resized(portrait, x, y);
  return {byte_of(portrait, x, y, 0), byte_of(portrait, x, y, 1), byte_of(portrait, x, y, 2), 255};
}

__device__ float luma_of(const Rgba& p) {
  return 0.2126f * static_cast<float>(p.red) + 0.7152f * static_cast<float>(p.green) +
         0.0722f * static_cast<float>(p.blue);  // 0 to 255
}

/// The mean of four pixels; at the edges some of them are the same one.
__device__ void write_chroma(const CudaPortrait& portrait, int x, int y, const Rgba (&block)[4]) {
  float red = 0, blue = 0, luma = 0;
  for (const Rgba& p : block) {
    red += static_cast<float>(p.red);
    blue += static_cast<float>(p.blue);
    luma += luma_of(p);
  }
  std::uint8_t* to = portrait.chroma + y / 2 * portrait.stride + x;
  to[0] = static_cast<std::uint8_t>((blue - luma) / 1.8556f * (224.0f / 1020) + 128.5f);
  to[1] = static_cast<std::uint8_t>((red - luma) / 1.5748f * (224.0f / 1020) + 128.5f);
}

__device__ void write_pixel(const CudaPortrait& portrait, int x, int y, const Rgba& p) {
  if (portrait.rgba8 != nullptr) {
    std::uint8_t* to = portrait.rgba8 + y * portrait.stride + std::ptrdiff_t{x} * 4;
    *reinterpret_cast<uchar4*>(to) = {p.red, p.green, p.blue, p.alpha};
  }
  if (portrait.luma != nullptr) {
    portrait.luma[y * portrait.stride + x] = static_cast<std::uint8_t>(luma_of(p) * (219.0f / 255) + 16.5f);
  }
  if (portrait.rgba_float != nullptr) {
    float* to = portrait.rgba_float + (std::ptrdiff_t{y} * portrait.width + x) * 4;
    const auto share = [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0f; };
    *reinterpret_cast<float4*>(to) = {share(p.red), share(p.green), share(p.blue), share(p.alpha)};
  }
}

__global__ void __launch_bounds__(kColumns* kRows) compose_portrait(CudaPortrait portrait) {
  const int x = (static_cast<int>(blockIdx.x) * kColumns + static_cast<int>(threadIdx.x)) * 2;
  const int y = (static_cast<int>(blockIdx.y) * kRows + static_cast<int>(threadIdx.y)) * 2;
  if (x >= portrait.width || y >= portrait.height) return;
  const int right = x + 1 < portrait.width ? x + 1 : x, below = y + 1 < portrait.height ? y + 1 : y;
  Rgba block[4];
  for (int i = 0; i < 4; ++i) {
    const int column = i % 2 == 0 ? x : right, row = i < 2 ? y : below;
    block[i] = pixel_of(portrait, column, row);
    write_pixel(portrait, column, row, block[i]);
  }
  if (portrait.luma != nullptr) write_chroma(portrait, x, y, block);
}

unsigned blocks_for(int pixels, int threads) {
  return static_cast<unsigned>((pixels + 2 * threads - 1) / (2 * threads));
}

}  // namespace
}  // namespace cuda

int compose_portrait_cuda(const CudaPortrait& portrait, CUstream_st* stream) {
  const dim3 grid{cuda::blocks_for(portrait.width, cuda::kColumns),
                  cuda::blocks_for(portrait.height, cuda::kRows), 1};
  return static_cast<int>(talkrt::cuda::launch({grid, {cuda::kColumns, cuda::kRows, 1}, stream},
                                               cuda::compose_portrait, portrait));
}

}  // namespace talkrt::image
