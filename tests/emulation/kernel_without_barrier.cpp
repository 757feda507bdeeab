// SPDX-License-Identifier: Apache-2.0
//
// A kernel whose author forgot __syncthreads(). Built for the thread sanitizer alone.
#include <cuda_runtime.h>

namespace {

void reverse(int* values) {
  __shared__ int turned[64];
  turned[63 - threadIdx.x] = values[threadIdx.x];
  values[threadIdx.x] = turned[threadIdx.x];
}

}  // namespace

int main() {
  int values[64] = {};
  cudaLaunchConfig_t config;
  config.gridDim = {1, 1, 1};
  config.blockDim = {64, 1, 1};
  return cudaLaunchKernelEx(&config, reverse, static_cast<int*>(values));
}
