// SPDX-License-Identifier: Apache-2.0
//
// Spherical harmonics to RGB, sixteen Gaussians at a time.
#pragma once

#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

struct Rgb {
  Floats channel[3];
};

/// Adds basis * coefficient for the three channels of base `b`; `sh` is [B, 3, 16].
inline void add_basis(Rgb& rgb, const float* sh, int b, Floats basis) {
  for (int c = 0; c < 3; ++c) {
    rgb.channel[c] = fma(load(sh + (b * 3 + c) * kLanes), basis, rgb.channel[c]);
  }
}

/// Colour seen along the unit vector (x, y, z), camera to Gaussian; not yet clamped at 0. `color` is [3, 16],
/// the coefficients of degree 0, whatever `sh` has there.
inline Rgb shade(const float* color, const float* sh, int degree, Floats x, Floats y, Floats z) {
  Rgb rgb;
  for (auto& c : rgb.channel) c = Floats(0.5f);
  add_basis(rgb, color, 0, Floats(0.28209479177387814f));
  if (degree < 1) return rgb;
  const Floats c1(0.4886025119029199f);
  add_basis(rgb, sh, 1, -c1 * y);
  add_basis(rgb, sh, 2, c1 * z);
  add_basis(rgb, sh, 3, -c1 * x);
  if (degree < 2) return rgb;
  const Floats xx = x * x, yy = y * y, zz = z * z, xy = x * y;
  const Floats c2(1.0925484305920792f);
  add_basis(rgb, sh, 4, c2 * xy);
  add_basis(rgb, sh, 5, -c2 * y * z);
  add_basis(rgb, sh, 6, Floats(0.31539156525252005f) * (zz + zz - xx - yy));
  add_basis(rgb, sh, 7, -c2 * x * z);
  add_basis(rgb, sh, 8, Floats(0.5462742152960396f) * (xx - yy));
  if (degree < 3) return rgb;
  const Floats three(3.0f);
  const Floats ring = Floats(4.0f) * zz - xx - yy;
  add_basis(rgb, sh, 9, Floats(-0.5900435899266435f) * y * (three * xx - yy));
  add_basis(rgb, sh, 10, Floats(2.890611442640554f) * xy * z);
  add_basis(rgb, sh, 11, Floats(-0.4570457994644658f) * y * ring);
  add_basis(rgb, sh, 12, Floats(0.3731763325901154f) * z * (zz + zz - three * (xx + yy)));
  add_basis(rgb, sh, 13, Floats(-0.4570457994644658f) * x * ring);
  add_basis(rgb, sh, 14, Floats(1.445305721320277f) * z * (xx - yy));
  add_basis(rgb, sh, 15, Floats(-0.5900435899266435f) * x * (xx - three * yy));
  return rgb;
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
