// SPDX-License-Identifier: Apache-2.0
//
// A complex transform of half the length over pairs of samples, then one pass that separates the two
// interleaved real transforms. The complex transform is Stockham's: radix 4, each pass from one array into
// the other, its result in order without bit reversal, so that inner loops run over consecutive numbers.
// About 2.5 size log2(size) flops; a whole log-mel row of 512 points takes about 2 us.
#include "kernels/audio/real_fft.hpp"

#include <cmath>
#include <numbers>
#include <utility>

namespace talkrt::audio {
namespace {

/// Real and imaginary parts apart: loops over them vectorise without shuffles.
struct Split {
  double *re, *im;
};

/// Twiddles of the passes: per pass of length n, for p < n / 4: w^p, w^2p, w^3p as six arrays of n / 4.
std::size_t pass_size(int length) {
  std::size_t size = 0;
  for (int n = length; n >= 4; n /= 4) size += 6 * static_cast<std::size_t>(n / 4);
  return size;
}

void radix4_pass(int n, int stride, const double* twiddles, Split in, Split out) {
  const int quarter = n / 4;
  const double *w1r = twiddles, *w1i = w1r + quarter, *w2r = w1i + quarter, *w2i = w2r + quarter,
               *w3r = w2i + quarter, *w3i = w3r + quarter;
  for (int p = 0; p < quarter; ++p) {
    const double ar = w1r[p], ai = w1i[p], br = w2r[p], bi = w2i[p], cr = w3r[p], ci = w3i[p];
    const double *x0r = in.re + stride * p, *x0i = in.im + stride * p;
    const double *x1r = x0r + stride * quarter, *x1i = x0i + stride * quarter;
    const double *x2r = x1r + stride * quarter, *x2i = x1i + stride * quarter;
    const double *x3r = x2r + stride * quarter, *x3i = x2i + stride * quarter;
    double* __restrict yr = out.re + stride * 4 * p;
    double* __restrict yi = out.im + stride * 4 * p;
    for (int q = 0; q < stride; ++q) {
      const double sum02r = x0r[q] + x2r[q], sum02i = x0i[q] + x2i[q];
      const double dif02r = x0r[q] - x2r[q], dif02i = x0i[q] - x2i[q];
      const double sum13r = x1r[q] + x3r[q], sum13i = x1i[q] + x3i[q];
      const double dif13r = x1r[q] - x3r[q], dif13i = x1i[q] - x3i[q];
      const double t1r = dif02r + dif13i, t1i = dif02i - dif13r;  // dif02 - i dif13
      const double t2r = sum02r - sum13r, t2i = sum02i - sum13i;
      const double t3r = dif02r - dif13i, t3i = dif02i + dif13r;  // dif02 + i dif13
      yr[q] = sum02r + sum13r;
      yi[q] = sum02i + sum13i;
      yr[q + stride] = t1r * ar - t1i * ai;
      yi[q + stride] = t1r * ai + t1i * ar;
      yr[q + 2 * stride] = t2r * br - t2i * bi;
      yi[q + 2 * stride] = t2r * bi + t2i * br;
      yr[q + 3 * stride] = t3r * cr - t3i * ci;
      yi[q + 3 * stride] = t3r * ci + t3i * cr;
    }
  }
}

void radix2_pass(int stride, Split in, Split out) {
  for (int q = 0; q < stride; ++q) {
    const double ar = in.re[q], ai = in.im[q], br = in.re[q + stride], bi = in.im[q + stride];
    out.re[q] = ar + br;
    out.im[q] = ai + bi;
    out.re[q + stride] = ar - br;
    out.im[q + stride] = ai - bi;
  }
}

}  // namespace

std::size_t real_fft_table_size(int size) {
  return pass_size(size / 2) + 2 * static_cast<std::size_t>(size / 2 + 1);
}

void real_fft_tables(int size, std::span<double> tables) {
  double* out = tables.data();
  for (int n = size / 2; n >= 4; n /= 4) {
    for (int power = 1; power <= 3; ++power) {
      for (int p = 0; p < n / 4; ++p) {
        const double angle = -2.0 * std::numbers::pi * power * p / n;
        out[p] = std::cos(angle);
        out[n / 4 + p] = std::sin(angle);
      }
      out += n / 2;
    }
  }
  const int half = size / 2;
  for (int k = 0; k <= half; ++k) {
    const double angle = -2.0 * std::numbers::pi * k / size;
    out[k] = std::cos(angle);
    out[half + 1 + k] = std::sin(angle);
  }
}

std::size_t real_fft_scratch_size(int size) { return 2 * static_cast<std::size_t>(size); }

void real_fft_power(int size, std::span<const double> tables, std::span<const double> signal,
                    std::span<double> power, std::span<double> scratch) {
  const int half = size / 2;
  Split from{scratch.data(), scratch.data() + half};
  Split to{scratch.data() + 2 * half, scratch.data() + 3 * half};
  for (int t = 0; t < half; ++t) {
    from.re[t] = signal[2 * static_cast<std::size_t>(t)];
    from.im[t] = signal[2 * static_cast<std::size_t>(t) + 1];
  }

  const double* twiddles = tables.data();
  int stride = 1, n = half;
  for (; n >= 4; n /= 4, stride *= 4) {
    radix4_pass(n, stride, twiddles, from, to);
    twiddles += 6 * (n / 4);
    std::swap(from, to);
  }
  if (n == 2) {
    radix2_pass(stride, from, to);
    std::swap(from, to);
  }

  // Even samples' transform is E = (Z_k + conj Z_-k) / 2, odd samples' is O = (Z_k - conj Z_-k) / 2i;
  // X_k = E + w^k O.
  const double *wr = twiddles, *wi = twiddles + half + 1;
  for (int k = 0; k <= half; ++k) {
    const int a = k == half ? 0 : k, b = k == 0 ? 0 : half - k;
    const double er = 0.5 * (from.re[a] + from.re[b]), ei = 0.5 * (from.im[a] - from.im[b]);
    const double odd_r = 0.5 * (from.im[a] + from.im[b]), odd_i = 0.5 * (from.re[b] - from.re[a]);
    const double xr = er + odd_r * wr[k] - odd_i * wi[k];
    const double xi = ei + odd_r * wi[k] + odd_i * wr[k];
    power[static_cast<std::size_t>(k)] = xr * xr + xi * xi;
  }
}

}  // namespace talkrt::audio
