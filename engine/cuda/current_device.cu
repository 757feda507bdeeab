// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/current_device.hpp"

namespace talkrt::cuda {
namespace {

/// The driver's, which the runtime finds; null where there is no driver.
struct Contexts {
  CUresult (*get)(CUcontext*) = nullptr;
  CUresult (*set)(CUcontext) = nullptr;

  Contexts() {
    find("cuCtxGetCurrent", get);
    find("cuCtxSetCurrent", set);
  }
  [[nodiscard]] bool there() const { return get != nullptr && set != nullptr; }

 private:
  template <class Call>
  static void find(const char* name, Call& out) {
    constexpr unsigned kSince = 4000;  // both are as old as that
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    if (cudaGetDriverEntryPointByVersion(name, &found, kSince, cudaEnableDefault, &result) == cudaSuccess &&
        result == cudaDriverEntryPointSuccess) {
      out = reinterpret_cast<Call>(found);
    }
  }
};

const Contexts& contexts() {
  static const Contexts found;
  return found;
}

}  // namespace

CurrentDevice::CurrentDevice(int device) noexcept {
  if (contexts().there()) contexts().get(&before_);
  error_ = cudaSetDevice(device);
}

CurrentDevice::~CurrentDevice() {
  if (!stays_) go_back(before_);
}

CUcontext CurrentDevice::stay() {
  stays_ = true;
  return before_;
}

void CurrentDevice::go_back(CUcontext before) {
  if (contexts().there()) contexts().set(before);
}

}  // namespace talkrt::cuda
