// SPDX-License-Identifier: Apache-2.0
//
// Sixteen Gaussians onto the image plane: mean, covariance, depth. The 3D covariance is never formed: with
// U = J V frame [2, 3], the covariance on the image plane is U U^T and its determinant |u0 x u1|^2, which
// keeps its accuracy for splats a thousand times longer than wide.
#pragma once

#include "kernels/gaussian/raster_frame.hpp"
#include "kernels/gaussian/rasterize.hpp"
#include "kernels/gaussian/simd.hpp"
#include "kernels/gaussian/simd_math.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr float kLargest = 3.402823466e38f;
inline constexpr float kLeastDepth = 1e-20f;          // depth bits order as the depths do only above 0
inline constexpr float kMinCompensation = 0.000025f;  // as gsplat: 0.005 squared

/// The camera, ready for the inner loop.
struct View {
  Floats r[9], t[3], eye[3];
  Floats fx, fy, cx, cy, near, far;
  Floats u_low, u_high, v_low, v_high;  // where the Jacobian's x/z and y/z are clamped
  Floats width, height;                 // pixels
  Floats tiles_x, tiles_y;
  Floats dilation, radius_clip;
  Convention convention;

  View(const Camera& camera, const RasterOptions& options)
      : fx(camera.K[0]),
        fy(camera.K[4]),
        cx(camera.K[2]),
        cy(camera.K[5]),
        near(nearest_depth(options)),
        far(options.far_plane),
        width(static_cast<float>(camera.width)),
        height(static_cast<float>(camera.height)),
        tiles_x(tiles_along(camera.width)),
        tiles_y(tiles_along(camera.height)),
        dilation(options.eps2d),
        radius_clip(whole_pixels(options.radius_clip)),
        convention(options.convention) {
    const float* m = camera.viewmat;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) r[3 * i + j] = Floats(m[4 * i + j]);
      t[i] = Floats(m[4 * i + 3]);
      eye[i] = Floats(-(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]));
    }
    // Both conventions leave 15 % around the image, but Inria knows no principal point: its range is
    // centred on the axis.
    const bool centred = convention == Convention::inria;
    const float w = static_cast<float>(camera.width), h = static_cast<float>(camera.height);
    const float x = centred ? 0.5f * w : camera.K[2], y = centred ? 0.5f * h : camera.K[5];
    u_low = Floats((-0.15f * w - x) / camera.K[0]);
    u_high = Floats((1.15f * w - x) / camera.K[0]);
    v_low = Floats((-0.15f * h - y) / camera.K[4]);
    v_high = Floats((1.15f * h - y) / camera.K[4]);
  }

 private:
  static float tiles_along(int pixels) {
    const int count = (pixels + kTile - 1) / kTile;
    return static_cast<float>(count);
  }

  /// The least depth that is drawn: gsplat draws a mean on the near plane, Inria does not.
  static float nearest_depth(const RasterOptions& options) {
    const float near = options.near_plane > kLeastDepth ? options.near_plane : kLeastDepth;
    if (options.convention == Convention::gsplat) return near;
    return near < kLargest ? __builtin_bit_cast(float, __builtin_bit_cast(std::int32_t, near) + 1) : near;
  }

  /// Radii are whole pixels, rounded up, so only the whole pixels of the limit count.
  static float whole_pixels(float limit) {
    if (!(limit > 0)) return 0;
    return limit < 1e6f ? static_cast<float>(static_cast<int>(limit)) : limit;
  }
};

/// Where sixteen Gaussians fall. Covariances are in pixel^2, with the dilation.
struct OnImage {
  Floats x, y, z;  // mean in pixels, depth
  Floats xx, xy, yy, det;
  Floats area;    // the determinant before the dilation
  Mask in_range;  // between the near and the far plane
};

inline Floats square_sum(Floats x, Floats y, Floats z) { return fma(x, x, fma(y, y, z * z)); }

/// `means` [3, 16], `frames` [9, 16].
[[gnu::always_inline]] inline OnImage onto_image(const View& v, const float* means, const float* frames) {
  const Floats m[3] = {load(means), load(means + kLanes), load(means + 2 * kLanes)};
  Floats t[3];
  for (int i = 0; i < 3; ++i) {
    t[i] = fma(v.r[3 * i], m[0], fma(v.r[3 * i + 1], m[1], fma(v.r[3 * i + 2], m[2], v.t[i])));
  }
  OnImage at;
  at.z = t[2];
  at.in_range = (at.z >= v.near) & (at.z <= v.far);
  const Floats inverse_z = Floats(1.0f) / at.z;
  const Floats x_over_z = t[0] * inverse_z, y_over_z = t[1] * inverse_z;
  at.x = fma(v.fx, x_over_z, v.cx);
  at.y = fma(v.fy, y_over_z, v.cy);

  // Only the Jacobian is clamped, never the mean: far off axis it would stretch without bound.
  const Floats u = clamp(x_over_z, v.u_low, v.u_high), w = clamp(y_over_z, v.v_low, v.v_high);
  const Floats scale_x = v.fx * inverse_z, scale_y = v.fy * inverse_z;
  Floats jx[3], jy[3];  // rows of J times the rotation
  for (int i = 0; i < 3; ++i) {
    jx[i] = scale_x * fnma(u, v.r[6 + i], v.r[i]);
    jy[i] = scale_y * fnma(w, v.r[6 + i], v.r[3 + i]);
  }
  Floats ux[3], uy[3];
  for (int c = 0; c < 3; ++c) {
    const Floats f0 = load(frames + c * kLanes), f1 = load(frames + (3 + c) * kLanes),
                 f2 = load(frames + (6 + c) * kLanes);
    ux[c] = fma(jx[0], f0, fma(jx[1], f1, jx[2] * f2));
    uy[c] = fma(jy[0], f0, fma(jy[1], f1, jy[2] * f2));
  }
  const Floats var_x = square_sum(ux[0], ux[1], ux[2]), var_y = square_sum(uy[0], uy[1], uy[2]);
  at.xy = fma(ux[0], uy[0], fma(ux[1], uy[1], ux[2] * uy[2]));
  at.area = square_sum(fnma(ux[2], uy[1], ux[1] * uy[2]), fnma(ux[0], uy[2], ux[2] * uy[0]),
                       fnma(ux[1], uy[0], ux[0] * uy[1]));
  at.xx = var_x + v.dilation;
  at.yy = var_y + v.dilation;
  at.det = fma(v.dilation, var_x + at.yy, at.area);
  return at;
}

/// What the opacity is multiplied with when the dilation is compensated.
inline Floats compensation(const OnImage& at) {
  return sqrt(max(at.area / at.det, Floats(kMinCompensation)));
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
