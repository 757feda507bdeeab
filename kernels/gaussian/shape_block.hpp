// SPDX-License-Identifier: Apache-2.0
//
// What networks make of quaternions and scales, for sixteen Gaussians.
#pragma once

#include "kernels/gaussian/point_network.hpp"
#include "kernels/gaussian/simd_math.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline Floats activated(ScaleActivation activation, Floats v) {
  if (activation == ScaleActivation::softplus) return softplus(v);
  if (activation == ScaleActivation::exp) {
    return exp2_exact(clamp(v * Floats(kLog2E), Floats(-124.0f), Floats(124.0f)));
  }
  return v;
}

inline Floats sigmoid(Floats v) {
  return Floats(1.0f) /
         (Floats(1.0f) + exp2_exact(clamp(v * Floats(-kLog2E), Floats(-124.0f), Floats(124.0f))));
}

/// The rotation [9], row-major, of a quaternion of any length, w first.
inline void rotation(const Floats (&quat)[4], Floats (&turn)[9]) {
  Floats q[4] = {quat[0], quat[1], quat[2], quat[3]};
  const Floats square = fma(q[0], q[0], fma(q[1], q[1], fma(q[2], q[2], q[3] * q[3])));
  const Floats inverse = Floats(1.0f) / max(sqrt(square), Floats(1e-12f));
  for (Floats& c : q) c = c * inverse;
  const Floats w = q[0], x = q[1], z = q[3], v = q[2], one(1.0f), two(2.0f);
  const Floats found[9] = {
      fnma(two, fma(v, v, z * z), one), two * fnma(w, z, x * v),          two * fma(w, v, x * z),
      two * fma(w, z, x * v),           fnma(two, fma(x, x, z * z), one), two * fnma(w, x, v * z),
      two * fnma(w, v, x * z),          two * fma(w, x, v * z),           fnma(two, fma(x, x, v * v), one)};
  for (int i = 0; i < 9; ++i) turn[i] = found[i];
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
