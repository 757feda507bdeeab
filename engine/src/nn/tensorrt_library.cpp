// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/tensorrt_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <talkrt/error.hpp>
#include <vector>

namespace talkrt::nn {
namespace {

constexpr const char* kFile = "libtalkrt_tensorrt.so";
constexpr const char* kHowToBuild =
    "; it is built where TensorRT's headers are: set TENSORRT_ROOT to a checkout of "
    "github.com/NVIDIA/TensorRT "
    "and build TalkRT again";
constexpr const char* kHowToInstall = "; pip install tensorrt-cu13, or tensorrt-lean-cu13-libs";

/// Nothing where it is not set or empty.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<std::string> module_candidates() {
  if (const std::string named = variable("TALKRT_TENSORRT_MODULE"); !named.empty()) return {named};
  std::vector<std::string> out;
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&open_tensorrt_module), &here) != 0 && here.dli_fname != nullptr) {
    const std::string own = here.dli_fname;
    if (const auto slash = own.rfind('/'); slash != std::string::npos)
      out.push_back(own.substr(0, slash + 1) + kFile);
  }
  out.emplace_back(kFile);
  return out;
}

std::vector<std::string> library_candidates(int major) {
  if (const std::string named = variable("TALKRT_TENSORRT"); !named.empty()) return {named};
  std::vector<std::string> out;
  for (const char* kind : {"libnvinfer", "libnvinfer_lean", "libnvinfer_dispatch"}) {
    out.push_back(std::string(kind) + ".so." + std::to_string(major));
  }
  return out;
}

}  // namespace

TensorRtModule open_tensorrt_module() {
  TensorRtModule out;
  std::string tried;
  for (const std::string& path : module_candidates()) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
      const char* why = dlerror();  // begins with the path
      tried += (tried.empty() ? "" : "; ") + std::string(why != nullptr ? why : path);
      continue;
    }
    out.path = path;
    const auto entry = reinterpret_cast<tensorrt::ModuleEntry>(dlsym(library, tensorrt::kModuleEntry));
    out.table = entry != nullptr ? entry(tensorrt::kModuleAbi) : nullptr;
    if (out.table != nullptr && out.table->bytes != sizeof(tensorrt::Module)) out.table = nullptr;
    if (out.table == nullptr) out.missing = path + " is not the TensorRT module of this version of TalkRT";
    return out;
  }
  out.missing = "no TensorRT module (" + tried + ")" + kHowToBuild;
  return out;
}

TensorRtLibrary::TensorRtLibrary() : module_(open_tensorrt_module()) {
  if (module_.table == nullptr) throw Error(TALKRT_ERROR_BACKEND_MISSING, module_.missing);
  const int major = module_.table->headers[0];
  std::string lean = variable("TALKRT_TENSORRT_LEAN"), tried;
  if (lean.empty()) lean = "libnvinfer_lean.so." + std::to_string(major);
  for (const std::string& path : library_candidates(major)) {
    tensorrt::Why why{};
    if (module_.table->open_library(path.c_str(), lean.c_str(), &library_, &info_, &why) == 0) return;
    tried += (tried.empty() ? "" : "; ") + std::string(why.text);
  }
  throw Error(TALKRT_ERROR_BACKEND_MISSING, "no TensorRT (" + tried + ")" + kHowToInstall);
}

TensorRtLibrary::~TensorRtLibrary() { module_.table->close_library(library_); }

plan::TensorRtVersion TensorRtLibrary::version() const {
  plan::TensorRtVersion out{};
  std::copy_n(info_.version, out.size(), out.begin());
  return out;
}

const char* TensorRtLibrary::runtime() const noexcept {
  switch (info_.runtime) {
    case tensorrt::Runtime::lean:
      return "lean";
    case tensorrt::Runtime::dispatch:
      return "dispatch";
    case tensorrt::Runtime::full:
      break;
  }
  return "full";
}

}  // namespace talkrt::nn
