// SPDX-License-Identifier: Apache-2.0
//
// One Gaussian to a splat on the image plane; projector.hpp does it for sixteen, in the same order of
// operations and with the same decisions.
#pragma once

#include "kernels/gaussian/extent_cuda.hpp"
#include "kernels/gaussian/pose_cuda.hpp"
#include "kernels/gaussian/shade_cuda.hpp"

namespace talkrt::gaussian::cuda {

inline constexpr float kMinCompensation = 0.000025f;  // as gsplat: 0.005 squared

struct Projected {
  Record record;
  Tiles tiles;
  bool visible;
  bool invalid;  // dropped: broken numbers, or beyond what fp32 can project
};

__device__ inline float square_sum(float x, float y, float z) { return fmaf(x, x, fmaf(y, y, z * z)); }

/// Mean, depth and covariance; `area` is the determinant before the dilation.
__device__ inline Ellipse onto_image(const CudaCamera& v, const Posed& g, float& z, float& area) {
  float t[3];
  for (int i = 0; i < 3; ++i) {
    const float* r = v.r + 3 * i;
    t[i] = fmaf(r[0], g.mean[0], fmaf(r[1], g.mean[1], fmaf(r[2], g.mean[2], v.t[i])));
  }
  z = t[2];
  const float inverse_z = 1.0f / z;
  const float x_over_z = t[0] * inverse_z, y_over_z = t[1] * inverse_z;
  // Only the Jacobian is clamped, never the mean: far off axis it would stretch without bound.
  const float u = clamped(x_over_z, v.u_low, v.u_high), w = clamped(y_over_z, v.v_low, v.v_high);
  const float scale_x = v.fx * inverse_z, scale_y = v.fy * inverse_z;
  float jx[3], jy[3];
  for (int i = 0; i < 3; ++i) {
    jx[i] = scale_x * fmaf(-u, v.r[6 + i], v.r[i]);
    jy[i] = scale_y * fmaf(-w, v.r[6 + i], v.r[3 + i]);
  }
  float ux[3], uy[3];
  for (int c = 0; c < 3; ++c) {
    ux[c] = fmaf(jx[0], g.frame[c], fmaf(jx[1], g.frame[3 + c], jx[2] * g.frame[6 + c]));
    uy[c] = fmaf(jy[0], g.frame[c], fmaf(jy[1], g.frame[3 + c], jy[2] * g.frame[6 + c]));
  }
  const float var_x = square_sum(ux[0], ux[1], ux[2]), var_y = square_sum(uy[0], uy[1], uy[2]);
  area = square_sum(fmaf(-ux[2], uy[1], ux[1] * uy[2]), fmaf(-ux[0], uy[2], ux[2] * uy[0]),
                    fmaf(-ux[1], uy[0], ux[0] * uy[1]));
  Ellipse at;
  at.x = fmaf(v.fx, x_over_z, v.cx);
  at.y = fmaf(v.fy, y_over_z, v.cy);
  at.xy = fmaf(ux[0], uy[0], fmaf(ux[1], uy[1], ux[2] * uy[2]));
  at.xx = var_x + v.dilation;
  at.yy = var_y + v.dilation;
  at.det = fmaf(v.dilation, var_x + at.yy, area);
  return at;
}

/// `rgb` seen from the camera; `sh` is the Gaussian's column.
__device__ inline void color_of(const CudaCamera& v, const Posed& g, const float* sh, int degree,
                                float* rgb) {
  for (int c = 0; c < 3; ++c) rgb[c] = g.color[c];
  if (degree == kPlainColors) return;
  float d[3] = {0, 0, 0}, inverse = 0;
  if (degree > 0) {
    for (int i = 0; i < 3; ++i) d[i] = g.mean[i] - v.eye[i];
    inverse = 1.0f / sqrtf(fmaxf(square_sum(d[0], d[1], d[2]), 1e-30f));
  }
  shade(rgb, sh, degree, d[0] * inverse, d[1] * inverse, d[2] * inverse);
}

__device__ inline Projected project(const CudaCamera& v, const Posed& g, const float* sh, int degree) {
  float z, area;
  const Ellipse at = onto_image(v, g, z, area);
  float finite = g.opacity * 0.0f;  // 0 where all that goes in is finite, else NaN
  for (const float m : g.mean) finite = fmaf(m, 0.0f, finite);
  for (const float f : g.frame) finite = fmaf(f, 0.0f, finite);

  float opacity = g.opacity;
  if (v.antialias) opacity *= sqrtf(fmaxf(area / at.det, kMinCompensation));
  const float log2_opacity = log2f(fmaxf(opacity, kMinAlpha));
  const float inverse_yy = 1.0f / at.yy;
  const float p = sqrtf(0.5f * kLog2E * at.yy / at.det), s = sqrtf(0.5f * kLog2E * inverse_yy);
  const float x_of_y = at.xy * inverse_yy, y_of_x = at.xy / at.xx, r = -p * x_of_y;
  const float reach = (2 / kLog2E) * (log2_opacity + kLog2Of255);

  float rgb[3];
  color_of(v, g, sh, degree, rgb);
  for (const float c : rgb) finite = fmaf(c, 0.0f, finite);
  // Finite numbers can overflow on the way: such a splat is as unusable as one that came in broken.
  const float derived = 0.0f * (at.x + at.y + p + r + s + at.xx + at.yy + at.det + reach);
  const bool usable = finite <= 0.0f, projected = derived <= 0.0f;  // false for NaN
  const bool in_range = z >= v.near && z <= v.far;
  const bool flat = at.det <= 0.0f;  // a line or a point; only without dilation

  Projected out;
  out.invalid = !usable || (in_range && !flat && !projected);
  out.visible = usable && projected && in_range && opacity >= kMinAlpha;
  out.tiles = {0, 0, -1, -1};
  if (out.visible) out.tiles = v.inria ? inria_tiles(v, at) : exact_tiles(v, at, reach);
  out.visible = !out.tiles.empty();
  const float darkest = degree == kPlainColors ? -3.402823466e38f : 0.0f;  // colours are drawn as they are
  out.record = {at.x,
                at.y,
                p,
                r,
                s,
                log2_opacity,
                y_of_x,
                x_of_y,
                fmaxf(rgb[0], darkest),
                fmaxf(rgb[1], darkest),
                fmaxf(rgb[2], darkest),
                z};
  return out;
}

}  // namespace talkrt::gaussian::cuda
