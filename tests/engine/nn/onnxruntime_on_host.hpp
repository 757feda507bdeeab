// SPDX-License-Identifier: Apache-2.0
//
// ONNX Runtime computing on the emulated GPU's memory, which is the host's: all but its provider, which needs
// a real one. It computes when it is told, so streams must work at once.
#pragma once

#include "engine/src/nn/onnxruntime_cuda.hpp"

namespace talkrt::nn {

class OnHost final : public OnnxRuntimeCuda {
 public:
  using OnnxRuntimeCuda::OnnxRuntimeCuda;
  void add_to(const OnnxRuntimeLibrary&, OrtSessionOptions*, std::uint64_t arena_bytes) const override {
    arena = arena_bytes;
  }
  [[nodiscard]] Handle<OrtMemoryInfo> memory(const OnnxRuntimeLibrary& library) const override {
    const OrtApi& api = library.api();
    return library.make<OrtMemoryInfo>(api.ReleaseMemoryInfo, "describing memory", [&](OrtMemoryInfo** out) {
      return api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, out);
    });
  }
  mutable std::uint64_t arena = 0;
};

}  // namespace talkrt::nn
