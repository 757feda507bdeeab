// SPDX-License-Identifier: Apache-2.0
//
// The one way kernels are launched: no <<<>>>, so that any C++ compiler reads the sources.
#pragma once

#include <cuda_runtime.h>

namespace talkrt::cuda {

struct Launch {
  dim3 grid, block;
  cudaStream_t stream = nullptr;
  bool overlap = false;          // may start while the grid before it ends; needs compute capability 9.0
  std::size_t shared_bytes = 0;  // see dynamic_shared(); more than 48 KB want allow_shared_bytes() first
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
  config.dynamicSmemBytes = how.shared_bytes;
  config.attrs = &attribute;
  config.numAttrs = how.overlap ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, args...);
}

template <class... Params>
cudaError_t allow_shared_bytes(void (*kernel)(Params...), std::size_t bytes) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                              cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

/// The shared memory whose size the launch says.
template <class T>
__device__ T* dynamic_shared() {
#if defined(__CUDACC__)
  extern __shared__ __align__(128) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
#else
  return static_cast<T*>(emulation::dynamic_shared());
#endif
}

/// In a kernel launched with `overlap`: from here on, everything that the grid before it wrote is there.
__device__ __forceinline__ void wait_for_previous_grid() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

/// In the grid before one launched with `overlap`: that one's blocks may take the places that are free, and
/// do what needs nothing of this grid.
__device__ __forceinline__ void let_next_grid_begin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
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
