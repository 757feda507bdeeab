// SPDX-License-Identifier: Apache-2.0
//
// What the host works out for the CUDA rasterizer: where its scratch lies, the camera's constants. Nothing of
// CUDA is needed for it.
#include <stdexcept>
#include <string>

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian {
namespace {

constexpr int kMaxSide = 32768;        // pixels; pixel centres are exact in fp32
constexpr float kLeastDepth = 1e-20f;  // depth bits order as the depths do only above 0
constexpr float kLargest = 3.402823466e38f;

void require(bool holds, const char* what, long found, long least, long most) {
  if (holds) return;
  throw std::invalid_argument("CUDA rasterizer: " + std::string(what) + " is " + std::to_string(found) +
                              ", expected " + std::to_string(least) + " to " + std::to_string(most));
}

void check_size(int width, int height) {
  require(width >= 1 && width <= kMaxSide, "width", width, 1, kMaxSide);
  require(height >= 1 && height <= kMaxSide, "height", height, 1, kMaxSide);
}

/// The next or the previous float of a positive one.
float step(float v, int by) { return __builtin_bit_cast(float, __builtin_bit_cast(std::int32_t, v) + by); }

}  // namespace

CudaScratch lay_out_cuda_scratch(const CudaLimits& limits, std::byte* base) {
  require(limits.count >= 0, "count", limits.count, 0, 0x7fffffff);
  check_size(limits.width, limits.height);
  require(limits.bin_capacity >= 1 && limits.bin_capacity <= kMaxBinCapacity, "bin_capacity",
          limits.bin_capacity, 1, kMaxBinCapacity);
  const auto count = static_cast<std::size_t>(limits.count);
  const std::size_t tiles = static_cast<std::size_t>(tiles_along(limits.width)) * tiles_along(limits.height);
  CudaScratch out;
  const auto take = [&]<class T>(T*& pointer, std::size_t elements) {
    if (base != nullptr) pointer = reinterpret_cast<T*>(base + out.bytes);
    out.bytes += (elements * sizeof(T) + 255) / 256 * 256;
  };
  take(out.records, count);
  take(out.rects, count);
  take(out.bins, tiles * static_cast<std::size_t>(limits.bin_capacity));
  take(out.bin_counts, tiles);
  take(out.counting, 1);
  take(out.stats, 1);
  return out;
}

CudaCamera prepare_cuda_camera(const Camera& camera, const RasterOptions& options) {
  check_size(camera.width, camera.height);
  const bool inria = options.convention == Convention::inria;
  const auto width = static_cast<float>(camera.width), height = static_cast<float>(camera.height);
  const float* m = camera.viewmat;
  CudaCamera out{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) out.r[3 * i + j] = m[4 * i + j];
    out.t[i] = m[4 * i + 3];
    out.eye[i] = -(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]);
  }
  out.fx = camera.K[0], out.fy = camera.K[4], out.cx = camera.K[2], out.cy = camera.K[5];
  // gsplat draws a mean on the near plane, Inria does not.
  out.near = options.near_plane > kLeastDepth ? options.near_plane : kLeastDepth;
  if (inria && out.near < kLargest) out.near = step(out.near, 1);
  out.far = options.far_plane;
  // Both leave 15 % around the image, but Inria knows no principal point: its range is centred on the axis.
  const float x = inria ? 0.5f * width : out.cx, y = inria ? 0.5f * height : out.cy;
  out.u_low = (-0.15f * width - x) / out.fx;
  out.u_high = (1.15f * width - x) / out.fx;
  out.v_low = (-0.15f * height - y) / out.fy;
  out.v_high = (1.15f * height - y) / out.fy;
  out.dilation = options.eps2d;
  // Radii are whole pixels, rounded up, so only the whole pixels of the limit count.
  const float clip = options.radius_clip > 0 ? options.radius_clip : 0;
  out.radius_clip = clip < 1e6f ? static_cast<float>(static_cast<int>(clip)) : clip;
  out.done_at = inria ? step(kMinTransmittance, -1) : kMinTransmittance;
  out.width = camera.width, out.height = camera.height;
  out.tiles_x = tiles_along(camera.width), out.tiles_y = tiles_along(camera.height);
  out.layer = options.layer;
  out.layers_apart = options.layers_apart;
  out.antialias = options.antialias;
  out.inria = inria;
  return out;
}

}  // namespace talkrt::gaussian
