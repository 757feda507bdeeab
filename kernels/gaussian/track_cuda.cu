// SPDX-License-Identifier: Apache-2.0
//
// A thread a pixel, of all avatars of a draw; everything here is a few bytes in and out of it. grow_behind
// works on tiles of 16x16 pixels with what is 6 around them in shared memory, first along rows, then along
// columns: 26 comparisons, not 168.
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/avatar_cuda.hpp"
#include "kernels/gaussian/resolve_cuda.hpp"
#include "kernels/gaussian/shares_cuda.hpp"

namespace talkrt::gaussian {
namespace cuda {
namespace {

constexpr int kThreads = kShareThreads;

/// What to do with each pixel of an avatar's frame.
template <class Pixel>
__device__ void for_pixels(Shares& mine, const CudaTrack& track, Pixel pixel) {
  const int width = track.frame_width, pixels = width * track.frame_height;
  mine.of((pixels + kThreads - 1) / kThreads, [&](int share) {
    const int at = share * kThreads + static_cast<int>(threadIdx.x);
    if (at < pixels) pixel(at % width, at / width);
  });
}

/// The torso's four bytes at a pixel of the recording, or null.
__device__ const std::uint8_t* torso_at(const CudaTrack& track, int x, int y) {
  const int row = y - track.top, column = x - track.left;
  const bool inside = row >= 0 && row < track.rows && column >= 0 && column < track.columns;
  return track.torso == nullptr || !inside ? nullptr
                                           : track.torso + (std::ptrdiff_t{row} * track.columns + column) * 4;
}

/// Channel `c` of torso over background at a pixel of the recording.
__device__ std::uint8_t composed(const CudaTrack& track, int x, int y, int c, std::uint8_t /*as*/) {
  const std::uint8_t behind = track.background[(std::ptrdiff_t{y} * track.width + x) * 3 + c];
  const std::uint8_t* torso = torso_at(track, x, y);
  if (torso == nullptr || torso[3] == 0) return behind;
  if (torso[3] == 255) return torso[c];
  const double alpha = torso[3];
  // In doubles and cut off, as the original: float32 would differ in one byte of 200.
  return static_cast<std::uint8_t>(torso[c] * alpha / 255.0 + behind * (1.0 - alpha / 255.0));
}

__device__ float composed(const CudaTrack& track, int x, int y, int c, float /*as*/) {
  const float behind =
      static_cast<float>(track.background[(std::ptrdiff_t{y} * track.width + x) * 3 + c]) / 255.0f;
  const std::uint8_t* torso = torso_at(track, x, y);
  if (torso == nullptr) return behind;
  const float alpha = static_cast<float>(torso[3]) / 255.0f;
  const float over = static_cast<float>(torso[c]) / 255.0f * alpha;
  return over + behind * (1.0f - alpha);
}

/// Where pixel `to` of `to_size` falls in a picture of `from_size`, middles on each other.
__device__ float place(int to, int to_size, int from_size, float step) {
  return (static_cast<float>(to) + 0.5f - 0.5f * static_cast<float>(to_size)) * step +
         0.5f * static_cast<float>(from_size) - 0.5f;
}

/// A place between two pixels.
struct Tap {
  int low, high;
  float share;  // of the high one
};
__device__ Tap tap(int to, int to_size, int from_size, float step) {
  const float where = clamped(place(to, to_size, from_size, step), 0.0f, static_cast<float>(from_size - 1));
  const int low = static_cast<int>(where);
  return {low, low + 1 < from_size ? low + 1 : from_size - 1, where - static_cast<float>(low)};
}

__device__ std::uint8_t nearest_byte(float value) {
  return static_cast<std::uint8_t>(clamped(value + 0.5f, 0.0f, 255.0f));
}
__device__ void keep(float value, std::uint8_t& to) { to = nearest_byte(value); }
__device__ void keep(float value, float& to) { to = value; }

template <class T>
__device__ void compose_pixel(const CudaTrack& track, int x, int y, T* out) {
  const bool same =
      track.step == 1.0f && track.frame_width == track.width && track.frame_height == track.height;
  const Tap column = tap(x, track.frame_width, track.width, track.step);
  const Tap row = tap(y, track.frame_height, track.height, track.step);
  T* pixel = out + (std::ptrdiff_t{y} * track.frame_width + x) * 3;
  for (int c = 0; c < 3; ++c) {
    if (same) {
      pixel[c] = composed(track, x, y, c, T{});
      continue;
    }
    const auto across = [&](int line) {
      const auto low = static_cast<float>(composed(track, column.low, line, c, T{}));
      return low + column.share * (static_cast<float>(composed(track, column.high, line, c, T{})) - low);
    };
    const float upper = across(row.low);
    keep(upper + row.share * (across(row.high) - upper), pixel[c]);
  }
}

__global__ void __launch_bounds__(kThreads) compose_backdrop(const CudaAvatars* all) {
  Shares mine;
  for (int i = 0; i < all->count; ++i) {
    if (!all->avatars[i].composes) continue;
    const CudaTrack& track = *all->avatars[i].track;
    for_pixels(mine, track, [&](int x, int y) {
      if (track.image != nullptr) {
        compose_pixel(track, x, y, track.image);
      } else {
        compose_pixel(track, x, y, track.picture);
      }
    });
  }
}

/// A warp holds 8x4 pixels, as in sort_blend.
__device__ void grow_tile(const CudaView& view, int tile) {
  constexpr int kAround = kTile + 2 * kGrowReach;
  __shared__ float alpha[kAround][kAround];
  __shared__ float along[kAround][kTile];
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();  // nobody reads those of the tile before any more
  const int width = view.camera.width, height = view.camera.height;
  const int left = tile % view.camera.tiles_x * kTile, top = tile / view.camera.tiles_x * kTile;
  for (int i = thread; i < kAround * kAround; i += kThreads) {
    const int x = left - kGrowReach + i % kAround, y = top - kGrowReach + i / kAround;
    const bool inside = x >= 0 && x < width && y >= 0 && y < height;
    alpha[i / kAround][i % kAround] = inside ? view.target.behind[std::ptrdiff_t{y} * width + x] : 0.0f;
  }
  __syncthreads();
  for (int i = thread; i < kAround * kTile; i += kThreads) {
    const float* from = &alpha[i / kTile][i % kTile];
    float most = from[0];
    for (int d = 1; d <= 2 * kGrowReach; ++d) most = fmaxf(most, from[d]);
    along[i / kTile][i % kTile] = most;
  }
  __syncthreads();
  const int warp = thread / 32, lane = thread % 32;
  const int column = warp % 2 * 8 + lane % 8, row = warp / 2 * 4 + lane / 8, x = left + column, y = top + row;
  float hidden = along[row][column];
  for (int d = 1; d <= 2 * kGrowReach; ++d) hidden = fmaxf(hidden, along[row + d][column]);
  Pixel pixel;
  if (x < width && y < height) {
    const float4 light = reinterpret_cast<const float4*>(view.target.light)[std::ptrdiff_t{y} * width + x];
    pixel.red = light.x, pixel.green = light.y, pixel.blue = light.z;
    pixel.transmittance = light.w * (1.0f - hidden);
    if (view.target.depth != nullptr) pixel.depth = view.target.depth[std::ptrdiff_t{y} * width + x];
  }
  write_pixel(view, pixel, x, y);
}

/// Not premultiplied.
__device__ void lay_under_bytes(const std::uint8_t* torso, std::uint8_t* out) {
  const float alpha = static_cast<float>(out[3]) / 255.0f;
  const float added = static_cast<float>(torso[3]) / 255.0f * (1.0f - alpha), sum = alpha + added;
  if (added == 0.0f) return;
  for (int c = 0; c < 3; ++c) {
    out[c] = nearest_byte((static_cast<float>(out[c]) * alpha + static_cast<float>(torso[c]) * added) / sum);
  }
  out[3] = nearest_byte(sum * 255.0f);
}

/// Premultiplied.
__device__ void lay_under_floats(const std::uint8_t* torso, float* out) {
  const float added = static_cast<float>(torso[3]) / 255.0f * (1.0f - out[3]);
  for (int c = 0; c < 3; ++c) out[c] += static_cast<float>(torso[c]) / 255.0f * added;
  out[3] += added;
}

__global__ void __launch_bounds__(kThreads) grow_behind(const CudaView* views, const CudaAvatars* all) {
  Shares mine;
  for (int i = 0; i < all->count; ++i) {
    const CudaView& view = views[all->avatars[i].view];
    if (view.target.light == nullptr) continue;
    mine.of(view.camera.tiles_x * view.camera.tiles_y, [&](int tile) { grow_tile(view, tile); });
  }
}

__device__ void lay_under_pixel(const CudaTrack& track, const CudaTarget& target, int x, int y) {
  const float column = roundf(place(x, track.frame_width, track.width, track.step));
  const float row = roundf(place(y, track.frame_height, track.height, track.step));
  if (!(column >= 0.0f && column < static_cast<float>(track.width) && row >= 0.0f &&
        row < static_cast<float>(track.height))) {
    return;
  }
  const std::uint8_t* torso = torso_at(track, static_cast<int>(column), static_cast<int>(row));
  if (torso == nullptr) return;
  if (target.rgba8 != nullptr) {
    lay_under_bytes(torso, target.rgba8 + target.rgba8_stride * y + std::ptrdiff_t{x} * 4);
  }
  if (target.rgba_float != nullptr && track.under_floats) {
    lay_under_floats(torso, target.rgba_float + (std::ptrdiff_t{y} * track.frame_width + x) * 4);
  }
}

__global__ void __launch_bounds__(kThreads) lay_under(const CudaView* views, const CudaAvatars* all) {
  Shares mine;
  for (int i = 0; i < all->count; ++i) {
    const CudaAvatar& avatar = all->avatars[i];
    if (!avatar.lays_under) continue;
    const CudaTarget& target = views[avatar.view].target;
    for_pixels(mine, *avatar.track, [&](int x, int y) { lay_under_pixel(*avatar.track, target, x, y); });
  }
}

}  // namespace
}  // namespace cuda

int compose_backdrop_cuda(const CudaAvatars* avatars, const CudaPlaces& places, CUstream_st* stream) {
  return static_cast<int>(
      talkrt::cuda::launch(cuda::launch_of_shares(places, stream), cuda::compose_backdrop, avatars));
}

int grow_behind_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaPlaces& places,
                     CUstream_st* stream) {
  return static_cast<int>(
      talkrt::cuda::launch(cuda::launch_of_shares(places, stream), cuda::grow_behind, views, avatars));
}

int lay_under_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaPlaces& places,
                   CUstream_st* stream) {
  return static_cast<int>(
      talkrt::cuda::launch(cuda::launch_of_shares(places, stream), cuda::lay_under, views, avatars));
}

}  // namespace talkrt::gaussian
