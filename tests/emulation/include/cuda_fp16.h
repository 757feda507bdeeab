// SPDX-License-Identifier: Apache-2.0
//
// Stands in for CUDA's header of this name; see cuda_runtime.h beside it.
#pragma once

#include <cmath>

struct __half {
  unsigned short bits;
};

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }

inline float __half2float(__half half) {
  const int exponent = half.bits >> 10 & 31, mantissa = half.bits & 1023;
  const float magnitude = exponent == 31  ? (mantissa != 0 ? NAN : INFINITY)
                          : exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                          : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return (half.bits & 0x8000) != 0 ? -magnitude : magnitude;
}
