// SPDX-License-Identifier: Apache-2.0
//
// Maps between pictures. Coordinates are pixel indices: (0, 0) is the centre of the first pixel.
#pragma once

namespace talkrt::image {

/// (x, y) to (xx x + xy y + x0, yx x + yy y + y0).
struct Affine {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  [[nodiscard]] double determinant() const { return xx * yy - xy * yx; }
  [[nodiscard]] Affine inverse() const {
    const double det = determinant();
    Affine out{yy / det, -xy / det, 0, -yx / det, xx / det, 0};
    out.x0 = -(out.xx * x0 + out.xy * y0);
    out.y0 = -(out.yx * x0 + out.yy * y0);
    return out;
  }
  /// This after `first`.
  [[nodiscard]] Affine after(const Affine& first) const {
    return {xx * first.xx + xy * first.yx, xx * first.xy + xy * first.yy, xx * first.x0 + xy * first.y0 + x0,
            yx * first.xx + yy * first.yx, yx * first.xy + yy * first.yy, yx * first.x0 + yy * first.y0 + y0};
  }
};

}  // namespace talkrt::image
