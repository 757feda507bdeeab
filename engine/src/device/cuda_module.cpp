// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cuda_module.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

namespace talkrt::device {
namespace {

constexpr const char* kVariable = "TALKRT_CUDA_MODULE";
constexpr const char* kFile = "libtalkrt_cuda.so";

std::vector<std::string> candidates() {
  if (const char* named = std::getenv(kVariable); named != nullptr && *named != '\0') return {named};
  std::vector<std::string> out;
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&open_cuda_module), &here) != 0 && here.dli_fname != nullptr) {
    const std::string own = here.dli_fname;
    if (const auto slash = own.rfind('/'); slash != std::string::npos) {
      out.push_back(own.substr(0, slash + 1) + kFile);
    }
  }
  out.emplace_back(kFile);
  return out;
}

void open(CudaModule& out) {
  for (const std::string& path : candidates()) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
      const char* why = dlerror();  // begins with the path
      out.missing += (out.missing.empty() ? "" : "; ") + (why != nullptr ? why : path + " cannot be opened");
      continue;
    }
    out.path = path;
    const auto entry = reinterpret_cast<cuda::ModuleEntry>(dlsym(library, cuda::kModuleEntry));
    out.table = entry != nullptr ? entry(cuda::kModuleAbi) : nullptr;
    if (out.table != nullptr && out.table->bytes != sizeof(cuda::Module)) out.table = nullptr;
    out.missing = out.table != nullptr ? "" : path + " is not the CUDA module of this version of TalkRT";
    return;
  }
  out.missing = "no CUDA module: " + out.missing;
}

}  // namespace

CudaModule open_cuda_module(int index) {
  CudaModule out;
  open(out);
  if (out.table == nullptr) return out;
  cuda::DeviceInfo device{};
  cuda::Why why{};
  if (out.table->describe(index, &device, &why) == 0) {
    out.device = device;
  } else {
    out.missing = why.text;
  }
  return out;
}

}  // namespace talkrt::device
