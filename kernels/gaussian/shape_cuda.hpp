// SPDX-License-Identifier: Apache-2.0
//
// What networks make of quaternions, scales and opacities, for one Gaussian; shape_block.hpp and
// simd_math.hpp do it for sixteen, in the same order of operations.
#pragma once

#include <cuda_runtime.h>

#include "kernels/gaussian/extent_cuda.hpp"
#include "kernels/gaussian/point_network.hpp"

namespace talkrt::gaussian::cuda {

/// 2^x for |x| < 126, to 1.5e-7 of the value.
__device__ inline float exp2_exact(float x) {
  const float whole = floorf(x), f = x - whole;
  float p = fmaf(f, 0.00187757635f, 0.00898934063f);
  p = fmaf(p, f, 0.0558263175f);
  p = fmaf(p, f, 0.240153611f);
  p = fmaf(p, f, 0.693153083f);
  p = fmaf(p, f, 0.99999994f);
  return p * __uint_as_float(static_cast<unsigned>(static_cast<int>(whole) + 127) << 23);
}

/// log(1 + e^x).
__device__ inline float softplus(float x) {
  const float y = exp2_exact(fmaxf(fabsf(x) * -kLog2E, -124.0f));
  const float s = y / (y + 2.0f), s2 = s * s;
  float p = fmaf(s2, 1.0f / 13, 1.0f / 11);
  p = fmaf(p, s2, 1.0f / 9);
  p = fmaf(p, s2, 1.0f / 7);
  p = fmaf(p, s2, 1.0f / 5);
  p = fmaf(p, s2, 1.0f / 3);
  p = fmaf(p, s2, 1.0f);
  return fmaf(s + s, p, fmaxf(x, 0.0f));
}

__device__ inline float activated(ScaleActivation activation, float v) {
  if (activation == ScaleActivation::softplus) return softplus(v);
  if (activation == ScaleActivation::exp) return exp2_exact(clamped(v * kLog2E, -124.0f, 124.0f));
  return v;
}

__device__ inline float sigmoid(float v) {
  return 1.0f / (1.0f + exp2_exact(clamped(v * -kLog2E, -124.0f, 124.0f)));
}

/// The rotation [9], row-major, of a quaternion of any length, w first.
__device__ inline void rotation(const float (&quat)[4], float (&turn)[9]) {
  const float square =
      fmaf(quat[0], quat[0], fmaf(quat[1], quat[1], fmaf(quat[2], quat[2], quat[3] * quat[3])));
  const float inverse = 1.0f / fmaxf(sqrtf(square), 1e-12f);
  const float w = quat[0] * inverse, x = quat[1] * inverse, v = quat[2] * inverse, z = quat[3] * inverse;
  turn[0] = fmaf(-2.0f, fmaf(v, v, z * z), 1.0f);
  turn[1] = 2.0f * fmaf(-w, z, x * v);
  turn[2] = 2.0f * fmaf(w, v, x * z);
  turn[3] = 2.0f * fmaf(w, z, x * v);
  turn[4] = fmaf(-2.0f, fmaf(x, x, z * z), 1.0f);
  turn[5] = 2.0f * fmaf(-w, x, v * z);
  turn[6] = 2.0f * fmaf(-w, v, x * z);
  turn[7] = 2.0f * fmaf(w, x, v * z);
  turn[8] = fmaf(-2.0f, fmaf(x, x, v * v), 1.0f);
}

}  // namespace talkrt::gaussian::cuda
