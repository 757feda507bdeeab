// SPDX-License-Identifier: Apache-2.0
//
// The table. Exceptions end here.
#include <cstdio>
#include <new>

#include "engine/cuda/module.hpp"
#include "engine/cuda/rasterizer.hpp"

namespace talkrt::cuda {
namespace {

/// CUDA calls it an old driver when there is none.
struct NoDriver {};

template <class F>
int guarded(Why* why, F&& call) {
  int code = static_cast<int>(cudaErrorUnknown);
  const char* text = "an unknown failure in the CUDA module";
  char copy[sizeof Why::text];
  try {
    call();
    return 0;
  } catch (const Error& error) {
    code = static_cast<int>(error.code);
    std::snprintf(copy, sizeof copy, "%s", error.what());
    text = copy;
  } catch (const std::invalid_argument& error) {
    code = static_cast<int>(cudaErrorInvalidValue);
    std::snprintf(copy, sizeof copy, "%s", error.what());
    text = copy;
  } catch (const NoDriver&) {
    code = static_cast<int>(cudaErrorInsufficientDriver);
    text = "no NVIDIA driver is installed";
  } catch (const std::bad_alloc&) {
    code = static_cast<int>(cudaErrorMemoryAllocation);
    text = "the host has no memory left";
  } catch (...) {  // the text above
  }
  if (why != nullptr) std::snprintf(why->text, sizeof why->text, "%s", text);
  return code;
}

/// Takes nothing on the device: no context, so that asking costs a host no memory there.
int describe(int device, DeviceInfo* info, Why* why) {
  return guarded(why, [&] {
    *info = {};
    check(cudaRuntimeGetVersion(&info->runtime), "asking for the runtime's version");
    check(cudaDriverGetVersion(&info->driver), "asking for the driver's version");
    if (info->driver == 0) throw NoDriver();
    check(cudaGetDeviceCount(&info->devices), "counting devices");
    if (device < 0 || device >= info->devices) throw Error(cudaErrorInvalidDevice, "choosing the device");
    cudaDeviceProp about{};
    check(cudaGetDeviceProperties(&about, device), "asking what the device is");
    std::snprintf(info->name, sizeof info->name, "%s", about.name);
    info->major = about.major;
    info->minor = about.minor;
    info->multiprocessors = about.multiProcessorCount;
    info->memory_bytes = about.totalGlobalMem;
  });
}

int measure(const RasterizerSpec* spec, std::uint64_t* device_bytes, std::uint64_t* pinned_bytes, Why* why) {
  return guarded(why, [&] {
    const Rasterizer::Bytes bytes = Rasterizer::measure(*spec);
    *device_bytes = bytes.device();
    *pinned_bytes = bytes.pinned();
  });
}

int create(int device, const RasterizerSpec* spec, Rasterizer** out, Why* why) {
  *out = nullptr;
  return guarded(why, [&] { *out = new Rasterizer(device, *spec); });
}

int draw(Rasterizer* rasterizer, const RasterizerView* views, int count, Why* why) {
  return guarded(why, [&] { rasterizer->draw(views, count); });
}

int wait(Rasterizer* rasterizer, gaussian::CudaStats* stats, Why* why) {
  return guarded(why, [&] { rasterizer->wait(stats); });
}

CUstream_st* stream(const Rasterizer* rasterizer) { return rasterizer->stream(); }

void destroy(Rasterizer* rasterizer) { delete rasterizer; }

constexpr Module kModule{kModuleAbi, sizeof(Module), describe, measure, create, draw, wait, stream, destroy};

}  // namespace
}  // namespace talkrt::cuda

/// Null for another version of the table.
extern "C" __attribute__((visibility("default"))) const talkrt::cuda::Module* talkrt_cuda_module(
    std::uint32_t abi) {
  return abi == talkrt::cuda::kModuleAbi ? &talkrt::cuda::kModule : nullptr;
}
