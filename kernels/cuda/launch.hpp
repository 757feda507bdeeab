// SPDX-License-Identifier: Apache-2.0
//
// The one way kernels are launched: no <<<>>>, so that any C++ compiler reads the sources.
#pragma once

#include <cuda_runtime.h>

namespace talkrt::cuda {

struct Launch {
  dim3 grid, block;
  cudaStream_t stream = nullptr;
  bool overlap = false;  // may start while the grid before it ends; needs compute capability 9.0
};

template <class... Params, class... Args>
cudaError_t launch(const Launch& how, void (*kernel)(Params...), Args... args) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = how.grid;
  config.blockDim = how.block;
  config.stream = how.stream;
  config.attrs = &attribute;
  config.numAttrs = how.overlap ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, args...);
}

/// In a kernel launched with `overlap`: from here on, everything that the grid before it wrote is there.
__device__ __forceinline__ void wait_for_previous_grid() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

/// 2^x in one instruction, to 2 ulp.
__device__ __forceinline__ float exp2_fast(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

}  // namespace talkrt::cuda
