// SPDX-License-Identifier: Apache-2.0
//
// Spherical harmonics to RGB for one Gaussian; shade.hpp does it for sixteen.
#pragma once

#include "kernels/gaussian/raster_cuda.hpp"

namespace talkrt::gaussian::cuda {

/// `rgb` holds the coefficients of degree 0 and becomes the colour seen along the unit vector (x, y, z), not
/// yet clamped at 0. `sh` is this Gaussian's column of [B, 3, 16].
__device__ inline void shade(float* rgb, const float* sh, int degree, float x, float y, float z) {
  const auto add = [&](int b, float basis) {
    for (int c = 0; c < 3; ++c) rgb[c] = fmaf(sh[(b * 3 + c) * kBlock], basis, rgb[c]);
  };
  for (int c = 0; c < 3; ++c) rgb[c] = fmaf(rgb[c], 0.28209479177387814f, 0.5f);
  if (degree < 1) return;
  constexpr float kC1 = 0.4886025119029199f, kC2 = 1.0925484305920792f;
  add(1, -kC1 * y);
  add(2, kC1 * z);
  add(3, -kC1 * x);
  if (degree < 2) return;
  const float xx = x * x, yy = y * y, zz = z * z, xy = x * y;
  add(4, kC2 * xy);
  add(5, -kC2 * y * z);
  add(6, 0.31539156525252005f * (zz + zz - xx - yy));
  add(7, -kC2 * x * z);
  add(8, 0.5462742152960396f * (xx - yy));
  if (degree < 3) return;
  const float ring = 4.0f * zz - xx - yy;
  add(9, -0.5900435899266435f * y * (3.0f * xx - yy));
  add(10, 2.890611442640554f * xy * z);
  add(11, -0.4570457994644658f * y * ring);
  add(12, 0.3731763325901154f * z * (zz + zz - 3.0f * (xx + yy)));
  add(13, -0.4570457994644658f * x * ring);
  add(14, 1.445305721320277f * z * (xx - yy));
  add(15, -0.5900435899266435f * x * (xx - 3.0f * yy));
}

}  // namespace talkrt::gaussian::cuda
