// SPDX-License-Identifier: Apache-2.0
//
// bench_cuda_rasterizer SCENE... [--views 1,4,16,64] [--draws 300] [--bins 1024] [--json OUT]
//
// The CUDA module's own painter and kernels on GPU 0, without the engine: device time of a frame, of each
// kernel and of a batch, copies, what a draw costs the host, fidelity against the float64 scalar renderer.
// Frames are RGBA8. Everything in microseconds; the first tenth of every series warms up. A table on standard
// output; --json writes one document ("schema": "talkrt.bench-cuda-kernels/1"), aside and then renamed.
//
//   python -m talkrt.benchmarks.scenes head 50000 0 head50k.bin
//   bench_cuda_rasterizer head50k.bin --json kernels.json
//
// Exit code: 0 measured, 1 failed (one line says why), 2 usage. Compiled by nvcc, and by the host's compiler
// against the emulated runtime as bench_cuda_rasterizer_emulated, whose times mean nothing.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "benchmarks/kernels/cuda_timing.hpp"
#include "benchmarks/kernels/cuda_views.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/gaussian/kernels_cuda.hpp"
#include "tests/kernels/gaussian/scene_file.hpp"

namespace talkrt::bench {
namespace {

using cuda::check;

struct Wanted {
  std::vector<std::string> scenes;
  std::vector<int> views{1, 4, 16, 64};
  int draws = 300, bins = 1024;
  std::string json;
};

struct Batch {
  int views;
  Times device_us;         // of one draw
  double fps_with_copies;  // frames in page-locked memory, three draws under way
};

struct Found {
  std::string scene;
  int count, sh_degree, width, height;
  gaussian::CudaStats stats;
  double psnr_db;
  bool same_every_time;
  Times frame_us, project_us, blend_us;  // on the device; a frame is one graph: the view in, both kernels
  Times host_us, latency_us, copy_us;    // draw() itself; draw() to pixels on the host; the copy alone
  std::size_t scratch_bytes, frame_bytes;
  std::vector<Batch> batches;
};

/// Draws back to back on the device.
Times draw_times(Views& views, int draws) {
  const std::vector<cuda::Job> jobs = views.jobs(0, false);
  Marks marks(draws + 1);
  marks.set(0, views.painter().stream());
  for (int i = 0; i < draws; ++i) {
    views.painter().draw(jobs.data(), static_cast<int>(jobs.size()));
    marks.set(i + 1, views.painter().stream());
  }
  std::vector<double> out;
  for (int i = 0; i < draws; ++i) out.push_back(marks.between(i, i + 1));
  return Times::of(std::move(out));
}

/// Each kernel alone, one after the other and not overlapped.
void kernel_times(const Views& views, int draws, Found& out) {
  gaussian::CudaView view = views.jobs(0, false)[0].view;
  const Bytes memory(cuda::Memory::device, sizeof view);
  auto* on_device = memory.as<gaussian::CudaView>();
  check(cudaMemcpy(on_device, &view, sizeof view, cudaMemcpyHostToDevice), "copying a view");
  check(cudaStreamSynchronize(nullptr), "copying a view");
  const gaussian::CudaGrid grid = gaussian::grid_of(views.limits());
  const auto groups = static_cast<unsigned>(grid.groups), tiles = static_cast<unsigned>(grid.tiles);
  const cuda::Stream stream = cuda::make_stream();
  Marks marks(2 * draws + 1);
  marks.set(0, stream.get());
  for (int i = 0; i < draws; ++i) {
    const auto* from = static_cast<const gaussian::CudaView*>(on_device);
    check(cuda::launch({{groups, 1, 1}, {gaussian::kProjectThreads, 1, 1}, stream.get()},
                       gaussian::cuda::project_bin, from),
          "launching project_bin");
    marks.set(2 * i + 1, stream.get());
    check(cuda::launch({{tiles, 1, 1}, {gaussian::cuda::kBlendThreads, 1, 1}, stream.get()},
                       gaussian::cuda::sort_blend, from),
          "launching sort_blend");
    marks.set(2 * i + 2, stream.get());
  }
  std::vector<double> project, blend;
  for (int i = 0; i < draws; ++i) {
    project.push_back(marks.between(2 * i, 2 * i + 1));
    blend.push_back(marks.between(2 * i + 1, 2 * i + 2));
  }
  out.project_us = Times::of(std::move(project));
  out.blend_us = Times::of(std::move(blend));
}

/// One frame at a time, from draw() to its pixels on the host.
void host_times(Views& views, int draws, Found& out) {
  const std::vector<cuda::Job> jobs = views.jobs(0, true);
  std::vector<double> host, latency;
  for (int i = 0; i < draws; ++i) {
    const double begin = now_us();
    views.painter().draw(jobs.data(), 1);
    const double drawn = now_us();
    jobs[0].done->wait();
    host.push_back(drawn - begin);
    latency.push_back(now_us() - begin);
  }
  out.host_us = Times::of(std::move(host));
  out.latency_us = Times::of(std::move(latency));
}

Times copy_times(const Views& views, int draws) {
  const cuda::Job job = views.jobs(0, true)[0];
  const cuda::Stream stream = cuda::make_stream();
  Marks marks(draws + 1);
  marks.set(0, stream.get());
  for (int i = 0; i < draws; ++i) {
    const cuda::Copy& copy = job.copies[0];
    check(cudaMemcpyAsync(copy.to, copy.from, copy.bytes, cudaMemcpyDeviceToHost, stream.get()),
          "copying a frame");
    marks.set(i + 1, stream.get());
  }
  std::vector<double> out;
  for (int i = 0; i < draws; ++i) out.push_back(marks.between(i, i + 1));
  return Times::of(std::move(out));
}

/// Frames a second on the host, the copies of one draw beside the next.
double fps_with_copies(Views& views, int draws) {
  std::vector<cuda::Job> jobs[kFrames];
  for (int turn = 0; turn < kFrames; ++turn) jobs[turn] = views.jobs(turn, true);
  const auto wait_for = [&](int turn) {
    for (const cuda::Job& job : jobs[turn]) job.done->wait();
  };
  double begin = 0;
  const int warm_up = draws / 10;
  for (int i = 0; i < draws; ++i) {
    if (i == warm_up) begin = now_us();
    wait_for(i % kFrames);
    views.painter().draw(jobs[i % kFrames].data(), static_cast<int>(jobs[0].size()));
  }
  for (int turn = 0; turn < kFrames; ++turn) wait_for(turn);
  const double frames = static_cast<double>(draws - warm_up) * static_cast<double>(jobs[0].size());
  return 1e6 * frames / (now_us() - begin);
}

/// Draws into floats: PSNR with peak 1 over colours, and whether it comes out the same again.
void fidelity(Views& views, Found& out) {
  const std::size_t floats = views.frame_bytes();  // as many as RGBA8 has bytes
  const Bytes device(cuda::Memory::device, floats * sizeof(float)),
      pinned(cuda::Memory::pinned, floats * sizeof(float)), counts(cuda::Memory::pinned, sizeof out.stats);
  cuda::Ticket done(0);
  std::vector<float> found[2];
  for (std::vector<float>& picture : found) {
    cuda::Job job;
    job.view = views.view(0);
    job.view.target.rgba_float = device.as<float>();
    job.copies[0] = {device.as<float>(), pinned.as<float>(), floats * sizeof(float)};
    job.copies[1] = {job.view.scratch.stats, counts.as<gaussian::CudaStats>(), sizeof out.stats};
    job.copy_count = 2;
    job.done = &done;
    views.painter().draw(&job, 1);
    done.wait();
    picture.assign(pinned.as<float>(), pinned.as<float>() + floats);
  }
  out.stats = *counts.as<gaussian::CudaStats>();
  out.same_every_time = std::memcmp(found[0].data(), found[1].data(), floats * sizeof(float)) == 0;
  const testing::ReferencePicture reference = testing::render_reference(views.scene());
  double sum = 0;
  for (std::size_t i = 0; i < floats; ++i) {
    if (i % 4 == 3) continue;
    const double error = static_cast<double>(found[0][i]) - reference.rgba[i];
    sum += error * error;
  }
  out.psnr_db = -10 * std::log10(std::max(sum / (0.75 * static_cast<double>(floats)), 1e-30));
}

Found measure(const std::string& path, const Wanted& wanted) {
  int workers = 1;
  const testing::Scene scene = testing::load_scene(path, workers);
  Found out{};
  out.scene = std::filesystem::path(path).filename().string();
  out.count = scene.count, out.sh_degree = scene.sh_degree;
  out.width = scene.camera.width, out.height = scene.camera.height;
  {
    Views one(scene, 1, wanted.bins);
    out.frame_bytes = one.frame_bytes();
    out.scratch_bytes = lay_out_cuda_scratch(one.limits(), nullptr).bytes;
    fidelity(one, out);
    out.frame_us = draw_times(one, wanted.draws);
    kernel_times(one, wanted.draws, out);
    host_times(one, wanted.draws, out);
    out.copy_us = copy_times(one, wanted.draws);
  }
  for (const int views : wanted.views) {
    Views batch(scene, views, wanted.bins);
    const int draws = std::max(20, wanted.draws * 4 / (4 + views));
    const Times device = draw_times(batch, draws);
    out.batches.push_back({views, device, fps_with_copies(batch, draws)});
  }
  return out;
}

std::string json(const Times& t) {
  std::ostringstream out;
  out << "{\"min\": " << t.least << ", \"median\": " << t.median << ", \"p95\": " << t.p95 << "}";
  return out.str();
}

/// The scene's name is a file's: only what JSON cannot hold is left out.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

void write(std::ostream& out, const Found& f) {
  out << "    {\"scene\": " << quoted(f.scene) << ", \"count\": " << f.count
      << ", \"sh_degree\": " << f.sh_degree << ", \"width\": " << f.width << ", \"height\": " << f.height
      << ",\n     \"visible\": " << f.stats.visible << ", \"invalid\": " << f.stats.invalid
      << ", \"intersections\": " << f.stats.intersections << ", \"beyond_bins\": " << f.stats.beyond_bins
      << ", \"longest_list_beyond\": " << f.stats.longest_list << ",\n     \"psnr_db\": " << f.psnr_db
      << ", \"same_every_time\": " << (f.same_every_time ? "true" : "false")
      << ",\n     \"frame_us\": " << json(f.frame_us) << ", \"project_bin_us\": " << json(f.project_us)
      << ", \"sort_blend_us\": " << json(f.blend_us) << ",\n     \"draw_call_us\": " << json(f.host_us)
      << ", \"latency_us\": " << json(f.latency_us) << ", \"copy_us\": " << json(f.copy_us)
      << ",\n     \"graphs_per_draw\": 1, \"kernels_per_draw\": 2, \"scratch_bytes\": " << f.scratch_bytes
      << ", \"frame_bytes\": " << f.frame_bytes << ",\n     \"batches\": [";
  for (std::size_t i = 0; i < f.batches.size(); ++i) {
    const Batch& b = f.batches[i];
    out << (i != 0 ? ", " : "") << "\n       {\"views\": " << b.views
        << ", \"device_us\": " << json(b.device_us)
        << ", \"device_fps\": " << 1e6 * b.views / b.device_us.median
        << ", \"fps_with_copies\": " << b.fps_with_copies << "}";
  }
  out << "]}";
}

void write_json(const std::string& path, const cudaDeviceProp& about, const Wanted& wanted,
                const std::vector<Found>& found) {
  int driver = 0, runtime = 0;
  check(cudaDriverGetVersion(&driver), "asking for the driver's version");
  check(cudaRuntimeGetVersion(&runtime), "asking for the runtime's version");
  const std::string aside = path + ".part";
  std::ofstream out(aside);
  out << "{\n  \"schema\": \"talkrt.bench-cuda-kernels/1\",\n  \"device\": {\"name\": " << quoted(about.name)
      << ", \"capability\": \"" << about.major << "." << about.minor
      << "\", \"multiprocessors\": " << about.multiProcessorCount
      << ", \"memory_bytes\": " << about.totalGlobalMem << ", \"driver\": " << driver
      << ", \"runtime\": " << runtime << "},\n  \"draws\": " << wanted.draws
      << ",\n  \"bin_capacity\": " << wanted.bins << ",\n  \"scenes\": [\n";
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i != 0) out << ",\n";
    write(out, found[i]);
  }
  out << "\n  ]\n}\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + aside);
  out.close();
  std::filesystem::rename(aside, path);
}

void print(const Found& f) {
  std::printf("%s: %d Gaussians, SH %d, %dx%d; %u visible, %u of splats and tiles, %u beyond their bin\n",
              f.scene.c_str(), f.count, f.sh_degree, f.width, f.height, f.stats.visible,
              f.stats.intersections, f.stats.beyond_bins);
  std::printf("  PSNR %.1f dB, %s\n", f.psnr_db,
              f.same_every_time ? "the same bits every time" : "NOT the same every time");
  const auto line = [](const char* name, const Times& t) {
    std::printf("  %-28s median %9.2f  p95 %9.2f  min %9.2f us\n", name, t.median, t.p95, t.least);
  };
  line("frame, device", f.frame_us);
  line("  project_bin alone", f.project_us);
  line("  sort_blend alone", f.blend_us);
  line("draw(), host", f.host_us);
  line("draw() to pixels on the host", f.latency_us);
  line("copy of a frame", f.copy_us);
  for (const Batch& b : f.batches) {
    std::printf(
        "  %3d views a draw             median %9.2f us on the device: %.0f frames/s; %.0f with copies\n",
        b.views, b.device_us.median, 1e6 * b.views / b.device_us.median, b.fps_with_copies);
  }
}

int number(const std::string& text, const char* option, int least, int most) {
  std::size_t end = 0;
  int out = 0;
  try {
    out = std::stoi(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  if (end == 0 || end != text.size() || out < least || out > most) {
    throw std::invalid_argument(std::string(option) + " is \"" + text + "\", expected " +
                                std::to_string(least) + " to " + std::to_string(most));
  }
  return out;
}

Wanted parse(int argc, char** argv) {
  Wanted out;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option.rfind("--", 0) != 0) {
      out.scenes.push_back(option);
      continue;
    }
    if (i + 1 == argc) throw std::invalid_argument(option + " has no value");
    const std::string value = argv[++i];
    if (option == "--json") {
      out.json = value;
    } else if (option == "--draws") {
      out.draws = number(value, "--draws", 1, 1'000'000);
    } else if (option == "--bins") {
      out.bins = number(value, "--bins", 1, gaussian::kMaxBinCapacity);
    } else if (option == "--views") {
      out.views.clear();
      std::istringstream list(value);
      for (std::string one; std::getline(list, one, ',');) {
        out.views.push_back(number(one, "--views", 1, 4096));
      }
    } else {
      throw std::invalid_argument("unknown option " + option);
    }
  }
  if (out.scenes.empty()) throw std::invalid_argument("no scene");
  return out;
}

void run(const Wanted& wanted) {
  cudaDeviceProp about{};
  check(cudaSetDevice(0), "choosing the device");
  check(cudaGetDeviceProperties(&about, 0), "asking what the device is");
  std::printf("%s, compute capability %d.%d, %d multiprocessors\n", about.name, about.major, about.minor,
              about.multiProcessorCount);
  std::vector<Found> found;
  for (const std::string& scene : wanted.scenes) {
    found.push_back(measure(scene, wanted));
    print(found.back());
  }
  if (!wanted.json.empty()) write_json(wanted.json, about, wanted, found);
}

}  // namespace
}  // namespace talkrt::bench

int main(int argc, char** argv) {
  talkrt::bench::Wanted wanted;
  try {
    wanted = talkrt::bench::parse(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_cuda_rasterizer: " << error.what()
              << "\nusage: bench_cuda_rasterizer SCENE... [--views 1,4,16,64] [--draws 300] [--bins 1024] "
                 "[--json OUT]\n";
    return 2;
  }
  try {
    talkrt::bench::run(wanted);
  } catch (const std::exception& error) {
    std::cerr << "bench_cuda_rasterizer: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
