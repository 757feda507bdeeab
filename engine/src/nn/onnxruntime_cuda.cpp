// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_cuda.hpp"

#include <algorithm>
#include <array>

namespace talkrt::nn {

void OnnxRuntimeCuda::add_to(const OnnxRuntimeLibrary& library, OrtSessionOptions* options,
                             std::uint64_t arena_bytes) const {
  const OrtApi& api = library.api();
  const std::string doing = "opening its CUDA provider";
  const auto cuda = library.make<OrtCUDAProviderOptionsV2>(api.ReleaseCUDAProviderOptions, doing,
                                                           api.CreateCUDAProviderOptions);
  const std::string device = std::to_string(gpu().index()), limit = std::to_string(arena_bytes);
  const std::array<const char*, 5> keys{"device_id", "gpu_mem_limit", "arena_extend_strategy",
                                        "cudnn_conv_algo_search", "cudnn_conv_use_max_workspace"};
  // Extended by what is asked for, not doubled; the search is by rules, for it happens in the first run.
  const std::array<const char*, 5> values{device.c_str(), limit.c_str(), "kSameAsRequested", "HEURISTIC",
                                          "0"};
  library.check(api.UpdateCUDAProviderOptions(cuda.get(), keys.data(), values.data(), keys.size()), doing);
  library.check(api.UpdateCUDAProviderOptionsWithValue(cuda.get(), "user_compute_stream", stream_->handle()),
                doing);
  library.check(api.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda.get()), doing);
}

Handle<OrtMemoryInfo> OnnxRuntimeCuda::memory(const OnnxRuntimeLibrary& library) const {
  const OrtApi& api = library.api();
  return library.make<OrtMemoryInfo>(
      api.ReleaseMemoryInfo, "describing device memory", [&](OrtMemoryInfo** out) {
        return api.CreateMemoryInfo("Cuda", OrtDeviceAllocator, gpu().index(), OrtMemTypeDefault, out);
      });
}

std::uint64_t cuda_arena_bytes(std::uint64_t weights, std::uint64_t traffic) {
  // What lives at one time is a small part of what all nodes together read and write; a quarter is ample for
  // chains of convolutions, where each reads what the one before wrote. Provider and cuDNN keep some room.
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const std::uint64_t between = traffic == 0 ? 256 * kMiB : std::clamp(traffic / 4, 64 * kMiB, 1024 * kMiB);
  return weights + weights / 8 + between;
}

}  // namespace talkrt::nn
