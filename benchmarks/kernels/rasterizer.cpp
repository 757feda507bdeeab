// SPDX-License-Identifier: Apache-2.0
//
// bench_rasterizer SCENE [--benchmark_...]: frames per second and time by stage for a scene file, with the
// fidelity against the float64 scalar renderer and that renderer's own time beside it.
//
//   python -m talkrt.benchmarks.scenes head 50000 0 head50k.bin
//   bench_rasterizer head50k.bin --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
//
// TALKRT_CPU chooses the path. Compare figures of one interleaved run only; medians say what a user gets.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "kernels/gaussian/scalar_reference.hpp"
#include "tests/kernels/gaussian/scene_file.hpp"
#include "tests/kernels/gaussian/workers.hpp"

namespace {

using namespace talkrt;
using testing::Scene;

/// Peak 1, over the unquantised colours.
double psnr(const testing::Picture& picture, const testing::ReferencePicture& reference) {
  double sum = 0;
  std::size_t values = 0;
  for (std::size_t i = 0; i < picture.rgba.size(); ++i) {
    if (i % 4 == 3) continue;
    const double error = picture.rgba[i] - reference.rgba[i];
    sum += error * error;
    ++values;
  }
  return -10 * std::log10(std::max(sum / static_cast<double>(values), 1e-30));
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void frames(benchmark::State& state, const Scene& scene, int workers, double fidelity) {
  const testing::PackedScene packed(scene);
  testing::Workers pool(workers);
  gaussian::RasterLimits limits{scene.count, scene.camera.width, scene.camera.height, workers,
                                testing::render(scene).stats.intersections};
  testing::Aligned<std::byte> scratch(gaussian::raster_scratch_bytes(limits));
  const std::int64_t stride = static_cast<std::int64_t>(scene.camera.width) * 4;
  std::vector<std::uint8_t> rgba8(static_cast<std::size_t>(stride) * scene.camera.height);
  const auto draw = [&] {
    return gaussian::rasterize_cpu(packed.splats(), scene.camera, scene.options, scene.background(),
                                   {rgba8.data(), stride}, limits, scratch.data(), pool);
  };
  for (int warm_up = 0; warm_up < 20; ++warm_up) draw();
  std::vector<double> stage[5];
  for (auto _ : state) {
    const gaussian::RasterStats stats = draw();
    const std::uint64_t ns[4] = {stats.project_ns, stats.sort_ns, stats.bin_ns, stats.blend_ns};
    for (int i = 0; i < 4; ++i) stage[i].push_back(static_cast<double>(ns[i]) * 1e-6);
    stage[4].push_back(static_cast<double>(ns[0] + ns[1] + ns[2] + ns[3]) * 1e-6);
  }
  const char* names[5] = {"1_project_ms", "2_sort_ms", "3_bin_ms", "4_blend_ms", "5_frame_ms"};
  for (int i = 0; i < 5; ++i) state.counters[names[i]] = median(stage[i]);
  state.counters["6_best_ms"] = *std::min_element(stage[4].begin(), stage[4].end());
  state.counters["7_fps"] = 1e3 / median(stage[4]);
  state.counters["8_psnr_db"] = fidelity;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 2) {
    std::cerr << "usage: bench_rasterizer SCENE... [--benchmark_...]\n";
    return 2;
  }
  std::vector<Scene> scenes(static_cast<std::size_t>(argc - 1));
  try {
    for (int i = 1; i < argc; ++i) {
      int workers = 1;
      Scene& scene = scenes[static_cast<std::size_t>(i - 1)];
      scene = testing::load_scene(argv[i], workers);
      const double fidelity = psnr(testing::render(scene), testing::render_reference(scene));
      const std::string name = std::string(argv[i]) + "/" + gaussian::cpu_path() + "/threads:";
      for (const int threads : {1, 2}) {
        benchmark::RegisterBenchmark((name + std::to_string(threads)).c_str(), frames, std::cref(scene),
                                     threads, fidelity)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond)
            ->Iterations(200);
      }
      benchmark::RegisterBenchmark((std::string(argv[i]) + "/scalar reference").c_str(),
                                   [&scene](benchmark::State& state) {
                                     for (auto _ : state) testing::render_reference(scene);
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond)
          ->Iterations(1);
    }
  } catch (const std::exception& error) {
    std::cerr << "bench_rasterizer: " << error.what() << "\n";
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
