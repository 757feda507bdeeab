// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cuda_driver.hpp"

#include <dlfcn.h>

#include <talkrt/error.hpp>

#include "engine/cuda/module.hpp"
#include "engine/src/device/cuda_driver_calls.hpp"

namespace talkrt::device {
namespace {

constexpr const char* kLibrary = "libcuda.so.1";
constexpr int kMajor = 75, kMinor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*

[[noreturn]] void missing(const std::string& message) { throw Error(TALKRT_ERROR_BACKEND_MISSING, message); }

template <class F>
void find(void* library, const std::string& path, const char* name, F& out) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) missing(path + " is no CUDA driver that this version can use: it has no " + name);
  out = reinterpret_cast<F>(symbol);
}

DriverCalls open(const std::string& path) {
  // It stays mapped: its threads do not survive unloading.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* why = dlerror();
    missing("there is no NVIDIA driver: " + std::string(why != nullptr ? why : path));
  }
  DriverCalls out{};
  find(library, path, "cuInit", out.init);
  find(library, path, "cuDeviceGetCount", out.device_count);
  find(library, path, "cuDeviceGet", out.device);
  find(library, path, "cuDeviceGetName", out.device_name);
  find(library, path, "cuDeviceGetAttribute", out.device_attribute);
  find(library, path, "cuDevicePrimaryCtxRetain", out.retain_context);
  find(library, path, "cuDevicePrimaryCtxRelease_v2", out.release_context);
  find(library, path, "cuCtxPushCurrent_v2", out.push_context);
  find(library, path, "cuCtxPopCurrent_v2", out.pop_context);
  find(library, path, "cuGetErrorString", out.error_text);
  find(library, path, "cuMemAlloc_v2", out.take_device);
  find(library, path, "cuMemFree_v2", out.give_device);
  find(library, path, "cuMemHostAlloc", out.take_pinned);
  find(library, path, "cuMemFreeHost", out.give_pinned);
  find(library, path, "cuMemsetD8_v2", out.set_bytes);
  find(library, path, "cuStreamCreate", out.create_stream);
  find(library, path, "cuStreamDestroy_v2", out.destroy_stream);
  find(library, path, "cuStreamSynchronize", out.synchronize);
  find(library, path, "cuMemcpyHtoDAsync_v2", out.copy_in);
  find(library, path, "cuMemcpyDtoHAsync_v2", out.copy_out);
  find(library, path, "cuMemcpyDtoDAsync_v2", out.copy);
  find(library, path, "cuStreamBeginCapture_v2", out.begin_capture);
  find(library, path, "cuStreamEndCapture", out.end_capture);
  find(library, path, "cuGraphInstantiateWithFlags", out.instantiate);
  find(library, path, "cuGraphLaunch", out.launch);
  find(library, path, "cuGraphDestroy", out.destroy_graph);
  find(library, path, "cuGraphExecDestroy", out.destroy_executable);
  return out;
}

std::string text_of(const DriverCalls& calls, int status) {
  const char* text = nullptr;
  if (calls.error_text(status, &text) != 0 || text == nullptr) text = "unknown";
  return "CUDA error " + std::to_string(status) + " (" + text + ")";
}

}  // namespace

CudaDriver::CudaDriver(int device, const std::string& library)
    : calls_(std::make_unique<DriverCalls>(open(library.empty() ? kLibrary : library))), device_(device) {
  const auto require = [&](int status, const char* doing) {
    if (status != 0)
      missing(std::string("the NVIDIA driver failed at ") + doing + ": " + text_of(*calls_, status));
  };
  int count = 0;
  require(calls_->init(0), "starting");
  require(calls_->device_count(&count), "counting GPUs");
  if (device < 0 || device >= count) {
    missing("the NVIDIA driver offers " + std::to_string(count) + " GPUs, and none of them is number " +
            std::to_string(device));
  }
  require(calls_->device(&handle_, device), "choosing the GPU");
  char name[256]{};
  require(calls_->device_name(name, sizeof name - 1, handle_), "asking for the GPU's name");
  name_ = name;
  require(calls_->device_attribute(&compute_capability_[0], kMajor, handle_),
          "asking what the GPU can compute");
  require(calls_->device_attribute(&compute_capability_[1], kMinor, handle_),
          "asking what the GPU can compute");
  require(calls_->retain_context(&context_, handle_), "opening the GPU");
}

CudaDriver::~CudaDriver() { calls_->release_context(handle_); }

void CudaDriver::check(int status, const char* doing) const {
  if (status == 0) return;
  throw Error(cuda::lost(status) ? TALKRT_ERROR_DEVICE_LOST : TALKRT_ERROR_BACKEND_FAILED,
              "GPU " + std::to_string(device_) + " failed at " + doing + ": " + text_of(*calls_, status));
}

CudaScope::CudaScope(const CudaDriver& driver) : driver_(driver) {
  driver.check(driver.calls().push_context(driver.context_), "entering its context");
}

CudaScope::CudaScope(const CudaDriver& driver, std::nothrow_t) noexcept
    : driver_(driver), entered_(driver.calls().push_context(driver.context_) == 0) {}

CudaScope::~CudaScope() {
  if (!entered_) return;
  void* left = nullptr;
  driver_.calls().pop_context(&left);
}

}  // namespace talkrt::device
