// SPDX-License-Identifier: Apache-2.0
//
// libtalkrt_cuda.so, as the core sees it: one exported function that hands out a table. The core links
// nothing of CUDA; it opens this module at run time (engine/src/device/cuda_module.hpp), and both are built
// from the same sources, which `abi` and `bytes` make sure of.
//
// Every call answers 0, or CUDA's error number with a sentence in `why`; nothing is thrown across. A
// rasterizer belongs to one thread at a time; rasterizers share nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::cuda {

inline constexpr std::uint32_t kModuleAbi = 1;
inline constexpr const char* kModuleEntry = "talkrt_cuda_module";

struct Why {
  char text[512];
};

struct DeviceInfo {
  char name[256];
  int devices;          // that the driver offers
  int driver, runtime;  // 13000 is CUDA 13.0
  int major, minor;     // compute capability
  int multiprocessors;
  std::uint64_t memory_bytes;
};

/// What a rasterizer draws and how many at once. Arrays are the host's and copied when it is created.
struct RasterizerSpec {
  gaussian::RigView rig;
  bool posed = true;  // false: `rig.rest` as it is
  gaussian::RasterOptions options;
  int views = 1;  // of a draw, at most
  int width = 0, height = 0;
  int bin_capacity = 1024;
};

/// One picture of a draw.
struct RasterizerView {
  gaussian::Pose pose;  // the host's arrays, copied by draw()
  gaussian::Camera camera;
  gaussian::Background background;  // its image: as the target's memory
  gaussian::CudaTarget target;
};

class Rasterizer;

struct Module {
  std::uint32_t abi;
  std::uint32_t bytes;  // of this table

  int (*describe)(int device, DeviceInfo* info, Why* why);

  /// Device and page-locked host memory that create() takes, so that it can be counted first.
  int (*measure)(const RasterizerSpec* spec, std::uint64_t* device_bytes, std::uint64_t* pinned_bytes,
                 Why* why);
  int (*create)(int device, const RasterizerSpec* spec, Rasterizer** out, Why* why);
  /// Enqueues one graph: a copy in, two kernels, a copy of the counts out. Returns at once.
  int (*draw)(Rasterizer* rasterizer, const RasterizerView* views, int count, Why* why);
  /// Until the last draw's pictures are there. `stats` [views] may be null. Comes between two draws.
  int (*wait)(Rasterizer* rasterizer, gaussian::CudaStats* stats, Why* why);
  /// The stream that draw() fills, for whoever goes on with the pictures on the device.
  CUstream_st* (*stream)(const Rasterizer* rasterizer);
  void (*destroy)(Rasterizer* rasterizer);
};

using ModuleEntry = const Module* (*)(std::uint32_t abi);

}  // namespace talkrt::cuda
