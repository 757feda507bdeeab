// SPDX-License-Identifier: Apache-2.0
//
// Scenes as plain arrays and their packing into blocks of 16, for the scalar renderer, tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::gaussian {

/// 64-byte aligned floats.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t{64}); }
  bool operator==(const AlignedAllocator&) const { return true; }
};
template <class T>
using Aligned = std::vector<T, AlignedAllocator<T>>;

/// Gaussians one after the other, as a file holds them.
struct Scene {
  int count = 0;
  int sh_degree = 0;
  std::vector<float> means;          // [N, 3]
  std::vector<float> frames;         // [N, 9]
  std::vector<float> opacities;      // [N]
  std::vector<float> sh;             // [N, B, 3]
  std::vector<std::uint8_t> layers;  // [N] or empty
  Camera camera;
  RasterOptions options;
  Backdrop backdrop = Backdrop::color;
  float color[3] = {0, 0, 0};
  std::vector<std::uint8_t> image;  // [H, W, 3] for Backdrop::image

  [[nodiscard]] Background background() const {
    Background out;
    out.kind = backdrop;
    for (int c = 0; c < 3; ++c) out.color[c] = color[c];
    out.image = image.empty() ? nullptr : image.data();
    return out;
  }
};

/// A scene in blocks of 16.
class PackedScene {
 public:
  explicit PackedScene(const Scene& scene);
  [[nodiscard]] const Splats& splats() const { return splats_; }

 private:
  Aligned<float> means_, frames_, opacities_, sh_;
  Aligned<std::uint8_t> layers_;
  Splats splats_;
};

/// [count, channels] to [blocks, channels, 16], padded with zeros.
Aligned<float> pack(const std::vector<float>& values, int count, int channels);

}  // namespace talkrt::gaussian
