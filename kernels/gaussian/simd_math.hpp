// SPDX-License-Identifier: Apache-2.0
//
// Logarithm and power of two on sixteen lanes.
#pragma once

#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr float kLog2E = 1.4426950408889634f;

/// 2^x for |x| < 126, to 2.7e-6 of the value: the minimax polynomial of degree 4 on [0, 1), scaled.
[[gnu::always_inline]] inline Floats exp2(Floats x) {
  const Floats f = each<Floats>([](auto v) { return native_fraction(v); }, x);
  Floats p = fma(f, Floats(0.0135422216f), Floats(0.0519960873f));
  p = fma(p, f, Floats(0.241451459f));
  p = fma(p, f, Floats(0.693002517f));
  p = fma(p, f, Floats(1.00000260f));
  return each<Floats>([](auto v, auto e) { return native_scale(v, e); }, p, x);
}

/// 2^x for |x| < 126, to 1.5e-7 of the value.
[[gnu::always_inline]] inline Floats exp2_exact(Floats x) {
  const Floats f = each<Floats>([](auto v) { return native_fraction(v); }, x);
  Floats p = fma(f, Floats(0.00187757635f), Floats(0.00898934063f));
  p = fma(p, f, Floats(0.0558263175f));
  p = fma(p, f, Floats(0.240153611f));
  p = fma(p, f, Floats(0.693153083f));
  p = fma(p, f, Floats(0.99999994f));
  return each<Floats>([](auto v, auto e) { return native_scale(v, e); }, p, x);
}

/// log(1 + e^x), to 4e-7 of the value where that is above 1e-37: with y = e^-|x| it is max(x, 0) +
/// 2 atanh(y / (2 + y)), whose argument is at most 1/3.
[[gnu::always_inline]] inline Floats softplus(Floats x) {
  const Floats magnitude = max(x, -x);
  const Floats y = exp2_exact(max(magnitude * Floats(-kLog2E), Floats(-124.0f)));
  const Floats s = y / (y + Floats(2.0f)), s2 = s * s;
  Floats p = fma(s2, Floats(1.0f / 13), Floats(1.0f / 11));
  p = fma(p, s2, Floats(1.0f / 9));
  p = fma(p, s2, Floats(1.0f / 7));
  p = fma(p, s2, Floats(1.0f / 5));
  p = fma(p, s2, Floats(1.0f / 3));
  p = fma(p, s2, Floats(1.0f));
  return fma(s + s, p, max(x, Floats(0.0f)));
}

/// log2(x) for normal x > 0, to 1e-7: x = 2^k m with m in [sqrt(1/2), sqrt(2)), and
/// ln m = 2 atanh((m - 1) / (m + 1)), whose series converges fast because the argument is below 0.172.
[[gnu::always_inline]] inline Floats log2(Floats x) {
  constexpr std::int32_t kHalfSqrt = 0x3f3504f3;  // bits of sqrt(1/2)
  const Ints offset = as_ints(x) - ints(kHalfSqrt);
  const Floats k = to_floats(shift_right<23>(offset));
  const Floats m = as_floats((offset & ints(0x007fffff)) + ints(kHalfSqrt));
  const Floats s = (m - Floats(1.0f)) / (m + Floats(1.0f));
  const Floats s2 = s * s;
  Floats p = fma(s2, Floats(1.0f / 9), Floats(1.0f / 7));
  p = fma(p, s2, Floats(1.0f / 5));
  p = fma(p, s2, Floats(1.0f / 3));
  p = fma(p, s2, Floats(1.0f));
  return fma(p * s, Floats(2.8853900817779268f), k);  // 2 / ln 2
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
