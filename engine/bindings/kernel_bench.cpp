// SPDX-License-Identifier: Apache-2.0
//
// Times the CPU rasterizer, stage by stage, against the scalar renderer in the same run.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/src/device/thread_pool.hpp"
#include "kernels/gaussian/scalar_reference.hpp"
#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

constexpr int kWarmUp = 20;  // frames

std::vector<float> copied(const Floats& array) { return {array.data(), array.data() + array.size()}; }

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Blocks in which some Gaussian moves.
std::vector<std::uint32_t> moving_blocks(const std::vector<float>& offsets) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const auto block = static_cast<std::uint32_t>(i / 3 / gaussian::kBlock);
    if (offsets[i] != 0 && (out.empty() || out.back() != block)) out.push_back(block);
  }
  return out;
}

/// A scene that can move, and all that drawing it needs.
class Bench {
 public:
  Bench(gaussian::Scene scene, std::vector<float> offsets, int threads)
      : scene_(std::move(scene)),
        offsets_(std::move(offsets)),
        blocks_(moving_blocks(offsets_)),
        packed_(scene_),
        means_(gaussian::pack(scene_.means, scene_.count, 3)),
        pool_(threads),
        rgba8_(static_cast<std::size_t>(scene_.camera.width * scene_.camera.height) * 4) {
    splats_ = packed_.splats();
    splats_.means = means_.data();
    reserve(0);
    const std::size_t needed = draw().intersections;
    reserve(needed + needed / 4);
  }

  /// One frame, everything that moves moved first.
  gaussian::RasterStats frame() {
    const float phase = std::sin(0.6f * static_cast<float>(++frame_));  // 25 frames a second, 2.4 Hz
    for (const std::uint32_t block : blocks_) {
      for (std::size_t lane = 0; lane < gaussian::kBlock; ++lane) {
        const std::size_t i = std::size_t{block} * gaussian::kBlock + lane;
        if (i >= static_cast<std::size_t>(scene_.count)) break;
        for (std::size_t c = 0; c < 3; ++c) {
          means_[(std::size_t{block} * 3 + c) * gaussian::kBlock + lane] =
              scene_.means[3 * i + c] + phase * offsets_[3 * i + c];
        }
      }
    }
    return draw();
  }

  /// Peak 1, over the unquantised colours at rest.
  double psnr(const gaussian::scalar::ReferencePicture& reference) {
    std::vector<float> rgba(reference.rgba.size());
    gaussian::Target target;
    target.rgba_float = rgba.data();
    gaussian::rasterize_cpu(packed_.splats(), scene_.camera, scene_.options, scene_.background(), target,
                            limits_, scratch_.data(), pool_);
    history_ = {};
    double sum = 0;
    for (std::size_t i = 0; i < rgba.size(); ++i) {
      if (i % 4 != 3) sum += (rgba[i] - reference.rgba[i]) * (rgba[i] - reference.rgba[i]);
    }
    return -10 * std::log10(std::max(sum / (0.75 * static_cast<double>(rgba.size())), 1e-30));
  }

 private:
  void reserve(std::size_t intersections) {
    limits_ = {scene_.count, scene_.camera.width, scene_.camera.height, pool_.workers(), intersections, true};
    scratch_.resize(gaussian::raster_scratch_bytes(limits_));
    history_ = {};
  }

  gaussian::RasterStats draw() {
    const gaussian::Changes changes{blocks_.data(), static_cast<int>(blocks_.size()), blocks_.empty()};
    gaussian::Target target;
    target.rgba8 = rgba8_.data();
    target.rgba8_stride = std::int64_t{scene_.camera.width} * 4;
    return gaussian::rasterize_changes_cpu(splats_, changes, scene_.camera, scene_.options,
                                           scene_.background(), target, limits_, scratch_.data(), history_,
                                           pool_);
  }

  gaussian::Scene scene_;
  std::vector<float> offsets_;
  std::vector<std::uint32_t> blocks_;
  gaussian::PackedScene packed_;
  gaussian::Aligned<float> means_;
  gaussian::Splats splats_;
  device::ThreadPool pool_;
  gaussian::RasterLimits limits_;
  gaussian::Aligned<std::byte> scratch_;
  gaussian::RasterHistory history_;
  std::vector<std::uint8_t> rgba8_;
  int frame_ = 0;
};

/// Times of each frame in milliseconds.
struct Times {
  std::vector<double> project, sort, bin, blend, frame;
};

nb::dict lists(const Times& times, double scalar_ms) {
  nb::dict out;
  const auto list = [](const std::vector<double>& values) {
    nb::list all;
    for (const double value : values) all.append(value);
    return all;
  };
  out["project"] = list(times.project);
  out["sort"] = list(times.sort);
  out["bin"] = list(times.bin);
  out["blend"] = list(times.blend);
  out["frame"] = list(times.frame);
  out["scalar"] = scalar_ms;
  return out;
}

nb::dict measure(const Floats& means, const Floats& frames, const Floats& opacities, const Floats& sh,
                 const Floats& viewmat, const Floats& K, int width, int height,
                 const std::optional<Floats>& offsets, int threads, int count, int rounds) {
  gaussian::Scene scene;
  scene.count = static_cast<int>(means.shape(0));
  scene.sh_degree = static_cast<int>(std::lround(std::sqrt(static_cast<double>(sh.shape(1))))) - 1;
  scene.means = copied(means);
  scene.frames = copied(frames);
  scene.opacities = copied(opacities);
  scene.sh = copied(sh);
  std::copy_n(viewmat.data(), 16, scene.camera.viewmat);
  std::copy_n(K.data(), 9, scene.camera.K);
  scene.camera.width = width;
  scene.camera.height = height;
  std::fill_n(scene.color, 3, 1.0f);

  std::vector<Times> times(static_cast<std::size_t>(rounds));
  std::vector<double> scalar_ms;
  gaussian::RasterStats last;
  double psnr = 0;
  {
    const nb::gil_scoped_release without_gil;
    Bench bench(scene, offsets ? copied(*offsets) : std::vector<float>(), threads);
    psnr = bench.psnr(gaussian::scalar::render_reference(scene));
    for (Times& round : times) {
      for (int i = 0; i < kWarmUp; ++i) bench.frame();
      for (int i = 0; i < count; ++i) {
        const auto start = std::chrono::steady_clock::now();
        last = bench.frame();
        round.frame.push_back(ms_since(start));
        round.project.push_back(1e-6 * static_cast<double>(last.project_ns));
        round.sort.push_back(1e-6 * static_cast<double>(last.sort_ns));
        round.bin.push_back(1e-6 * static_cast<double>(last.bin_ns));
        round.blend.push_back(1e-6 * static_cast<double>(last.blend_ns));
      }
      const auto start = std::chrono::steady_clock::now();
      gaussian::scalar::render_reference(scene);
      scalar_ms.push_back(ms_since(start));
      const nb::gil_scoped_acquire gil;
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
  }
  nb::list all;
  for (std::size_t r = 0; r < times.size(); ++r) all.append(lists(times[r], scalar_ms[r]));
  nb::dict out;
  out["rounds"] = all;
  out["psnr_db"] = psnr;
  out["visible"] = last.visible;
  out["intersections"] = last.intersections;
  out["tiles_drawn"] = last.tiles_drawn;
  out["cpu_path"] = gaussian::cpu_path();
  return out;
}

}  // namespace

void bind_kernel_bench(nb::module_& module) {
  module.def("measure_rasterizer", &measure, nb::kw_only(), "means"_a, "frames"_a, "opacities"_a, "sh"_a,
             "viewmat"_a, "K"_a, "width"_a, "height"_a, "offsets"_a.none(), "threads"_a, "count"_a,
             "rounds"_a, "Times the rasterizer and the scalar renderer in turn; for talkrt.benchmarks.");
}

}  // namespace talkrt::python
