// SPDX-License-Identifier: Apache-2.0
#include "engine/tensorrt/library.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <string_view>

namespace talkrt::tensorrt {
namespace {

/// The lean runtime without a driver hands out objects, and brings the process down when it ends: nothing of
/// TensorRT's is opened before the driver has answered.
void require_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) throw Error("there is no NVIDIA driver (libcuda.so.1)");
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const auto count_of = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
  int count = 0;
  if (init == nullptr || count_of == nullptr || init(0) != 0 || count_of(&count) != 0 || count == 0) {
    throw Error("the NVIDIA driver offers no GPU");
  }
}

template <class F>
F symbol(void* library, const char* path, const char* name) {
  void* found = dlsym(library, name);
  if (found == nullptr) throw Error(std::string(path) + " is no runtime of TensorRT: it has no " + name);
  return reinterpret_cast<F>(found);
}

Runtime runtime_of(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  if (file.starts_with("libnvinfer_lean")) return Runtime::lean;
  return file.starts_with("libnvinfer_dispatch") ? Runtime::dispatch : Runtime::full;
}

}  // namespace

void Complaints::log(Severity severity, const char* text) noexcept {
  if (severity > Severity::kERROR || text == nullptr) return;
  try {
    const std::lock_guard lock(mutex_);
    last_ = text;
  } catch (...) {  // no memory for a message: then without it
  }
}

std::string Complaints::taken() {
  const std::lock_guard lock(mutex_);
  std::string out = last_.empty() ? "TensorRT gave no reason" : std::move(last_);
  last_.clear();
  return out;
}

Library::Library(const char* path, const char* lean) : lean_(lean != nullptr ? lean : "") {
  require_driver();
  handle_ = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle_ == nullptr) {
    const char* why = dlerror();
    throw Error(why != nullptr ? why : std::string(path) + ": cannot be opened");
  }
  (void)symbol<void*>(handle_, path, "createInferRuntime_INTERNAL");
  const char* const names[] = {"getInferLibMajorVersion", "getInferLibMinorVersion",
                               "getInferLibPatchVersion", "getInferLibBuildVersion"};
  for (int i = 0; i < 4; ++i) info_.version[i] = symbol<int (*)()>(handle_, path, names[i])();
  Dl_info where{};
  const char* file =
      dladdr(dlsym(handle_, names[0]), &where) != 0 && where.dli_fname != nullptr ? where.dli_fname : path;
  std::snprintf(info_.path, sizeof info_.path, "%s", file);
  info_.runtime = runtime_of(file);
  if (info_.version[0] != NV_TENSORRT_MAJOR) {
    throw Error(std::string(file) + " is TensorRT " + std::to_string(info_.version[0]) + "." +
                std::to_string(info_.version[1]) + ", and this module was built for " +
                std::to_string(NV_TENSORRT_MAJOR) + "." + std::to_string(NV_TENSORRT_MINOR));
  }
}

nvinfer1::IRuntime* Library::make_runtime() const {
  const auto create =
      symbol<void* (*)(void*, std::int32_t)>(handle_, info_.path, "createInferRuntime_INTERNAL");
  // As an ILogger: the pointer that crosses is a plain one.
  nvinfer1::ILogger* const logger = &complaints_;
  void* made = create(logger, NV_TENSORRT_VERSION);
  if (made == nullptr) throw Error(std::string(info_.path) + ": no runtime: " + complaints_.taken());
  return static_cast<nvinfer1::IRuntime*>(made);
}

nvinfer1::IRefitter* Library::make_refitter(nvinfer1::ICudaEngine& engine) const {
  const auto create =
      symbol<void* (*)(void*, void*, std::int32_t)>(handle_, info_.path, "createInferRefitter_INTERNAL");
  nvinfer1::ILogger* const logger = &complaints_;
  void* made = create(&engine, logger, NV_TENSORRT_VERSION);
  if (made == nullptr) throw Error("no refitter: " + complaints_.taken());
  return static_cast<nvinfer1::IRefitter*>(made);
}

}  // namespace talkrt::tensorrt
