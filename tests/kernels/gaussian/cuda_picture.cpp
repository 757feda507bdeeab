// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/gaussian/cuda_picture.hpp"

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace talkrt::testing {

using namespace gaussian;

namespace {

/// A scene's memory and the view of it.
struct Prepared {
  explicit Prepared(const Scene& scene, int bin_capacity)
      : limits{scene.count, scene.camera.width, scene.camera.height, bin_capacity} {
    const int width = scene.camera.width, height = scene.camera.height;
    const std::size_t pixels = static_cast<std::size_t>(width) * height;
    const int across = (width + 1) / 2, down = (height + 1) / 2;
    picture.width = width;
    picture.height = height;
    picture.rgba.resize(pixels * 4);
    picture.depth.resize(pixels);
    picture.rgba8.resize(pixels * 4);
    picture.luma.resize(pixels);
    picture.chroma.resize(static_cast<std::size_t>(across) * down * 2);
    view.camera = prepare_cuda_camera(scene.camera, scene.options);
    view.background = scene.background();
    view.target = {picture.rgba8.data(),  std::int64_t{4} * width, picture.rgba.data(),
                   picture.depth.data(),  picture.luma.data(),     width,
                   picture.chroma.data(), std::int64_t{2} * across};
    view.bin_capacity = bin_capacity;
  }

  /// Once the number of Gaussians is known. Garbage everywhere but where the contract wants zeros.
  void take_scratch(int count) {
    limits.count = count;
    const std::size_t bytes = lay_out_cuda_scratch(limits, nullptr).bytes;
    memory.assign(bytes, std::byte{0xff});
    view.scratch = lay_out_cuda_scratch(limits, memory.data());
    std::memset(view.scratch.bin_counts, 0,
                reinterpret_cast<std::byte*>(view.scratch.counting) -
                    reinterpret_cast<std::byte*>(view.scratch.bin_counts));
    *view.scratch.counting = {};
  }

  CudaLimits limits;
  Aligned<std::byte> memory;
  CudaPicture picture;
  CudaView view;
};

void run(std::vector<CudaView> views, const CudaLimits& limits) {
  const int error =
      rasterize_cuda(views.data(), static_cast<int>(views.size()), grid_of(limits), true, nullptr);
  if (error != 0 || cudaStreamSynchronize(nullptr) != cudaSuccess) {
    throw std::runtime_error("CUDA error " + std::to_string(error));
  }
}

}  // namespace

std::vector<CudaPicture> cuda_render_batch(const std::vector<Scene>& scenes, int bin_capacity) {
  std::vector<std::unique_ptr<PackedScene>> packed;
  std::vector<std::unique_ptr<Prepared>> prepared;
  std::vector<CudaView> views;
  CudaLimits largest{0, 1, 1, bin_capacity};
  for (const Scene& scene : scenes) {
    packed.push_back(std::make_unique<PackedScene>(scene));
    prepared.push_back(std::make_unique<Prepared>(scene, bin_capacity));
    Prepared& here = *prepared.back();
    here.take_scratch(scene.count);
    here.view.rig.rest = packed.back()->splats();
    views.push_back(here.view);
    largest.count = std::max(largest.count, scene.count);
    largest.width = std::max(largest.width, scene.camera.width);
    largest.height = std::max(largest.height, scene.camera.height);
  }
  run(views, largest);
  std::vector<CudaPicture> pictures;
  for (auto& here : prepared) {
    here->picture.stats = *here->view.scratch.stats;
    pictures.push_back(std::move(here->picture));
  }
  return pictures;
}

CudaPicture cuda_render(const Scene& scene, int bin_capacity) {
  return cuda_render_batch({scene}, bin_capacity)[0];
}

CudaPicture cuda_render_rig(const Rig& rig, const Scene& scene) {
  Prepared here(scene, 1024);
  here.take_scratch(rig.count);
  here.view.rig = rig.view();
  here.view.pose = {rig.weights.data(), rig.matrices.data()};
  run({here.view}, here.limits);
  here.picture.stats = *here.view.scratch.stats;
  return std::move(here.picture);
}

bool same(const CudaPicture& a, const CudaPicture& b) {
  return a.rgba8 == b.rgba8 && a.luma == b.luma && a.chroma == b.chroma && a.rgba.size() == b.rgba.size() &&
         std::memcmp(a.rgba.data(), b.rgba.data(), a.rgba.size() * sizeof(float)) == 0 &&
         std::memcmp(a.depth.data(), b.depth.data(), a.depth.size() * sizeof(float)) == 0;
}

Picture as_picture(const CudaPicture& from) {
  Picture out{from.width, from.height, from.rgba, from.depth, from.rgba8, {}};
  out.stats.complete = true;
  return out;
}

double psnr(const CudaPicture& found, const ReferencePicture& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < expected.rgba.size(); ++i) {
    const double error = found.rgba[i] - expected.rgba[i];
    sum += error * error;
  }
  if (sum == 0) return std::numeric_limits<double>::infinity();
  return -10 * std::log10(sum / static_cast<double>(expected.rgba.size()));
}

}  // namespace talkrt::testing
