// SPDX-License-Identifier: Apache-2.0
//
// Stands in for CUDA's header of this name, so that g++ compiles the kernels as they are and the CPU runs
// them: every thread of a block, its barriers, votes and shuffles, one block after the other. Only what the
// kernels use. See emulation.hpp.
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// One section, so that every block finds its shared memory filled with garbage instead of its predecessor's.
#define __shared__ static __attribute__((section("emulated_shared")))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct uchar4 {
  unsigned char x, y, z, w;
};

enum cudaLaunchAttributeID { cudaLaunchAttributeProgrammaticStreamSerialization = 6 };
union cudaLaunchAttributeValue {
  int programmaticStreamSerializationAllowed;
};
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  cudaLaunchAttributeValue val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};

namespace talkrt::emulation {

/// A CUDA thread under way.
struct Thread {
  uint3 thread_index{}, block_index{};
  unsigned blocks = 0;                       // of the grid along x
  unsigned number = 0;                       // in its block
  unsigned warp_calls = 0, block_votes = 0;  // collective operations so far
};

Thread& self();
void block_barrier();
void warp_barrier();
/// The values that the 32 lanes of this warp gave; valid until this lane's next call.
const std::uint32_t* warp_exchange(std::uint32_t mine);
/// Of all threads of the block; a barrier.
unsigned block_count(bool predicate);

/// What the running grid was launched with; of one that ends where it was said to.
void* dynamic_shared();

using Body = void (*)(void*);
void run_grid(const dim3& grid, const dim3& block, std::size_t shared_bytes, Body body, void* context);

}  // namespace talkrt::emulation

/// Reads as the built-in variables do.
struct Coordinate {
  unsigned (*value)();
  operator unsigned() const { return value(); }
};
struct Coordinates {
  Coordinate x, y;
};
inline constexpr Coordinates threadIdx{{[] { return talkrt::emulation::self().thread_index.x; }},
                                       {[] { return talkrt::emulation::self().thread_index.y; }}};
inline constexpr Coordinates blockIdx{{[] { return talkrt::emulation::self().block_index.x; }},
                                      {[] { return talkrt::emulation::self().block_index.y; }}};
inline constexpr struct {
  Coordinate x;
} gridDim{{[] { return talkrt::emulation::self().blocks; }}};

template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Args... args) {
  if (config->dynamicSmemBytes > talkrt::emulation::shared_limit(reinterpret_cast<const void*>(kernel))) {
    return cudaErrorInvalidValue;
  }
  const auto run = [grid = config->gridDim, block = config->blockDim, shared = config->dynamicSmemBytes,
                    kernel, held = std::tuple<Params...>(args...)] {
    const auto call = [&] { std::apply(kernel, held); };
    talkrt::emulation::run_grid(
        grid, block, shared, [](void* c) { (*static_cast<decltype(call)*>(c))(); },
        const_cast<void*>(static_cast<const void*>(&call)));
  };
  return talkrt::emulation::launch(config->stream, run);
}

inline void __syncthreads() { talkrt::emulation::block_barrier(); }
inline int __syncthreads_and(int predicate) {
  return talkrt::emulation::block_count(predicate == 0) == 0 ? 1 : 0;
}
inline void __syncwarp() { talkrt::emulation::warp_barrier(); }
inline unsigned __ballot_sync(unsigned /*mask*/, int predicate) {
  const std::uint32_t* all = talkrt::emulation::warp_exchange(predicate != 0 ? 1 : 0);
  unsigned bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) bits |= all[lane] << lane;
  return bits;
}
template <class T>
T __shfl_xor_sync(unsigned /*mask*/, T value, int lanes) {
  static_assert(sizeof(T) % 4 == 0);
  const unsigned from = (talkrt::emulation::self().number & 31U) ^ static_cast<unsigned>(lanes);
  std::uint32_t words[sizeof(T) / 4];
  std::memcpy(words, &value, sizeof value);
  for (std::uint32_t& word : words) word = talkrt::emulation::warp_exchange(word)[from];
  std::memcpy(&value, words, sizeof value);
  return value;
}

template <class T>
T atomicAdd(T* at, T value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
template <class T>
T atomicMax(T* at, T value) {
  T seen = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (seen < value &&
         !__atomic_compare_exchange_n(at, &seen, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return seen;
}

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
template <class T>
T __ldg(const T* at) {
  return *at;
}
inline float __uint_as_float(unsigned v) { return __builtin_bit_cast(float, v); }
inline unsigned __float_as_uint(float v) { return __builtin_bit_cast(unsigned, v); }
