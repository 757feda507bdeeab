// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/batch_rasterizer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::render {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr int kGroup = 3;  // channels drawn together

struct Free {
  void operator()(void* memory) const noexcept { ::operator delete(memory, std::align_val_t{kAlignment}); }
};

/// Pages that nobody writes to cost nothing, so sizes may be generous.
template <class T>
using Memory = std::unique_ptr<T[], Free>;

std::size_t physical_bytes() {
  const auto pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size) : SIZE_MAX;
}

std::string megabytes(std::size_t bytes) { return std::to_string(bytes / 1000000) + " MB"; }

template <class T>
Memory<T> take(std::size_t count, const std::string& what) {
  const std::size_t bytes = count * sizeof(T);
  void* memory = bytes <= physical_bytes() ? ::operator new(std::max<std::size_t>(bytes, 1),
                                                            std::align_val_t{kAlignment}, std::nothrow)
                                           : nullptr;
  if (memory == nullptr) {
    throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "rasterize: " + what + " need " + megabytes(bytes) +
                                                "; this machine has " + megabytes(physical_bytes()));
  }
  return Memory<T>(static_cast<T*>(memory));
}

/// All Gaussians in blocks of 16, colours in groups of three channels.
class Packed {
 public:
  Packed(const gaussian::Shapes& shapes, const BatchColors& colors, Executor& executor)
      : shapes_(shapes), colors_(colors), executor_(executor) {
    const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(shapes.count)) * gaussian::kBlock;
    const std::string of = "the arrays of " + std::to_string(shapes.count) + " Gaussians";
    groups_ = std::max(1, (colors.channels + kGroup - 1) / kGroup);
    bases_ = gaussian::sh_bases(colors.sh_degree);
    group_floats_ = lanes * static_cast<std::size_t>(kGroup * bases_);
    means_ = take<float>(lanes * 3, of);
    frames_ = take<float>(lanes * 9, of);
    opacities_ = take<float>(lanes, of);
    sh_ = take<float>(group_floats_ * static_cast<std::size_t>(groups_), of);
    gaussian::pack_shapes(shapes, means_.get(), frames_.get(), opacities_.get(), executor);
    if (colors.channels == 0) std::fill_n(sh_.get(), group_floats_, 0.0f);
    if (!colors.per_camera) pack_colors(colors.rows);
  }

  void use_camera(int camera) {
    if (!colors_.per_camera) return;
    const auto row = static_cast<std::ptrdiff_t>(shapes_.count) * colors_.channels;
    // What the last camera's colours broke is whole again.
    for (int i = 0; i < shapes_.count; ++i) opacities_[static_cast<std::size_t>(i)] = shapes_.opacities[i];
    pack_colors(colors_.rows + camera * row);
  }

  [[nodiscard]] int groups() const { return groups_; }
  [[nodiscard]] gaussian::Splats splats(int group) const {
    gaussian::Splats splats;
    splats.count = shapes_.count;
    splats.sh_degree = colors_.sh_degree;
    splats.means = means_.get();
    splats.frames = frames_.get();
    splats.opacities = opacities_.get();
    splats.sh = sh_.get() + static_cast<std::size_t>(group) * group_floats_;
    return splats;
  }

 private:
  void pack_colors(const float* rows) {
    for (int g = 0; g * kGroup < colors_.channels; ++g) {
      gaussian::pack_colors({shapes_.count, rows, colors_.stored_bases, bases_, colors_.channels, g * kGroup},
                            sh_.get() + static_cast<std::size_t>(g) * group_floats_, opacities_.get(),
                            executor_);
    }
  }

  gaussian::Shapes shapes_;
  BatchColors colors_;
  Executor& executor_;
  int groups_ = 1, bases_ = 1;
  std::size_t group_floats_ = 0;
  Memory<float> means_, frames_, opacities_, sh_;
};

/// The rasterizer's scratch, which grows when a view needs more.
class Scratch {
 public:
  explicit Scratch(const gaussian::RasterLimits& limits) : limits_(limits) { reserve(limits.intersections); }

  gaussian::RasterStats draw(const gaussian::Splats& splats, const gaussian::Camera& camera,
                             const gaussian::RasterOptions& options, const gaussian::Background& background,
                             const gaussian::Target& target, Executor& executor) {
    const auto attempt = [&] {
      return rasterize_cpu(splats, camera, options, background, target, limits_, memory_.get(), executor);
    };
    gaussian::RasterStats stats = attempt();
    if (stats.complete) return stats;
    reserve(stats.intersections);
    stats = attempt();
    if (!stats.complete) {
      throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "rasterize: the view has " +
                                                  std::to_string(stats.intersections) +
                                                  " pairs of a Gaussian and a tile; the limit is 4294967295");
    }
    return stats;
  }

 private:
  void reserve(std::size_t intersections) {
    limits_.intersections = intersections;
    memory_.reset();  // so that both are never held
    memory_ =
        take<std::byte>(gaussian::raster_scratch_bytes(limits_),
                        "lists of " + std::to_string(intersections) + " pairs of a Gaussian and a tile");
  }

  gaussian::RasterLimits limits_;
  Memory<std::byte> memory_;
};

gaussian::Projection rows_of(const gaussian::Projection& all, std::ptrdiff_t first) {
  return {all.radii + 2 * first,  all.means2d + 2 * first, all.depths + first,
          all.conics + 3 * first, all.opacities + first,   all.tiles + first};
}

gaussian::Camera camera_of(const BatchCameras& cameras, int c) {
  gaussian::Camera camera;
  camera.width = cameras.width;
  camera.height = cameras.height;
  std::copy_n(cameras.viewmats + static_cast<std::ptrdiff_t>(c) * 16, 16, camera.viewmat);
  std::copy_n(cameras.Ks + static_cast<std::ptrdiff_t>(c) * 9, 9, camera.K);
  return camera;
}

}  // namespace

void rasterize_batch(const gaussian::Shapes& shapes, const BatchColors& colors, const BatchCameras& cameras,
                     DepthChannel depth, const gaussian::RasterOptions& options, const BatchOutput& out,
                     Executor& executor, const std::function<void()>& before_camera) {
  Packed packed(shapes, colors, executor);
  const std::size_t guess = 4 * static_cast<std::size_t>(shapes.count) + 65536;
  Scratch scratch({shapes.count, cameras.width, cameras.height, executor.workers(), guess});
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(cameras.width) * cameras.height;
  const std::ptrdiff_t stride = colors.channels + (depth == DepthChannel::none ? 0 : 1);
  for (int c = 0; c < cameras.count; ++c) {
    before_camera();
    packed.use_camera(c);
    const gaussian::Camera camera = camera_of(cameras, c);
    float* picture = out.pictures + c * pixels * stride;
    for (int g = 0; g < packed.groups(); ++g) {
      const int first = g * kGroup, count = std::min(kGroup, colors.channels - first);
      gaussian::Channels channels;
      channels.color = colors.channels == 0 ? nullptr : picture + first;
      channels.color_count = count;
      channels.color_stride = stride;
      channels.alpha = g == 0 ? out.alphas + c * pixels : nullptr;
      channels.depth = g == 0 && depth != DepthChannel::none ? picture + colors.channels : nullptr;
      channels.depth_stride = stride;
      channels.expected = depth == DepthChannel::expected;
      gaussian::Background background;
      for (int k = 0; cameras.backgrounds != nullptr && k < count; ++k) {
        background.color[k] =
            cameras.backgrounds[static_cast<std::ptrdiff_t>(c) * colors.channels + first + k];
      }
      gaussian::Target target;
      target.channels = &channels;
      const auto stats = scratch.draw(packed.splats(g), camera, options, background, target, executor);
      if (g == 0) out.invalid[c] = static_cast<std::int64_t>(stats.invalid);
    }
    project_cpu(packed.splats(0), camera, options,
                rows_of(out.projection, static_cast<std::ptrdiff_t>(c) * shapes.count), executor);
  }
}

}  // namespace talkrt::render
