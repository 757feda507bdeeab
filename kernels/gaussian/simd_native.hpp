// SPDX-License-Identifier: Apache-2.0
//
// One machine register, and the few operations that vector extensions cannot say. Included by simd.hpp.
#pragma once

#include <cstdint>

#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace talkrt::gaussian::TALKRT_CPU_PATH {

#if defined(__AVX512F__) && defined(__AVX512VBMI2__)
inline constexpr int kNativeLanes = 16;
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
inline constexpr int kNativeLanes = 8;
#else
inline constexpr int kNativeLanes = 4;
#endif

using NativeFloats [[gnu::vector_size(4 * kNativeLanes)]] = float;
using NativeInts [[gnu::vector_size(4 * kNativeLanes)]] = std::int32_t;
using NativeBits [[gnu::vector_size(4 * kNativeLanes)]] = std::uint32_t;
// The same, for loads and stores that look at other types' memory.
using NativeFloatsInMemory [[gnu::vector_size(4 * kNativeLanes), gnu::may_alias]] = float;
using NativeIntsInMemory [[gnu::vector_size(4 * kNativeLanes), gnu::may_alias]] = std::int32_t;

#if defined(__AVX512F__) && defined(__AVX512VBMI2__)

struct Positions {
  alignas(64) std::uint8_t byte[64];
  constexpr Positions() : byte() {
    for (int i = 0; i < 64; ++i) byte[i] = static_cast<std::uint8_t>(i);
  }
};
inline constexpr Positions kPositions;

using NativeMask = __mmask16;
inline NativeFloats native_fma(NativeFloats a, NativeFloats b, NativeFloats c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline NativeFloats native_fnma(NativeFloats a, NativeFloats b, NativeFloats c) {
  return _mm512_fnmadd_ps(a, b, c);
}
inline NativeFloats native_load_quarters(const float* from) {
  return _mm512_broadcast_f32x4(_mm_load_ps(from));
}
inline NativeFloats native_min(NativeFloats a, NativeFloats b) { return _mm512_min_ps(a, b); }
inline NativeFloats native_max(NativeFloats a, NativeFloats b) { return _mm512_max_ps(a, b); }
inline NativeFloats native_sqrt(NativeFloats a) { return _mm512_sqrt_ps(a); }
inline NativeMask native_less_equal(NativeFloats a, NativeFloats b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
inline NativeMask native_less(NativeFloats a, NativeFloats b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
inline NativeFloats native_zero_unless(NativeMask m, NativeFloats a) { return _mm512_maskz_mov_ps(m, a); }
inline NativeFloats native_select(NativeMask m, NativeFloats yes, NativeFloats no) {
  return _mm512_mask_blend_ps(m, no, yes);
}
inline unsigned native_bits(NativeMask m) { return m; }
inline NativeFloats native_from_halves(const std::uint16_t* from) {
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
}
/// a - floor(a), and a * 2^floor(b).
inline NativeFloats native_fraction(NativeFloats a) {
  return _mm512_reduce_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
inline NativeFloats native_scale(NativeFloats a, NativeFloats b) { return _mm512_scalef_ps(a, b); }
/// Writes to `list` the positions below `count` whose mask has the given bit, and says how many. `masks` is
/// 64-byte aligned and zero up to the next multiple of 64; `list` has 64 bytes to spare.
inline int native_list_bit(const std::uint16_t* masks, int count, int bit, std::uint8_t* list) {
  const __m512i wanted = _mm512_set1_epi16(static_cast<short>(1 << bit));
  __m512i positions = _mm512_load_si512(kPositions.byte);
  int length = 0;
  for (int i = 0; i < count; i += 64) {
    const __mmask64 hits = _mm512_kunpackd(_mm512_test_epi16_mask(_mm512_load_si512(masks + i + 32), wanted),
                                           _mm512_test_epi16_mask(_mm512_load_si512(masks + i), wanted));
    _mm512_storeu_si512(list + length, _mm512_maskz_compress_epi8(hits, positions));
    length += __builtin_popcountll(hits);
    positions = _mm512_add_epi8(positions, _mm512_set1_epi8(64));
  }
  return length;
}

#else

#if defined(__SSE2__)
/// For each byte, the positions of its bits, packed, and how many there are.
struct BitPositions {
  std::uint64_t of[256];
  std::uint8_t count[256];
  constexpr BitPositions() : of(), count() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((byte >> bit & 1) != 0) of[byte] |= std::uint64_t{bit} << 8 * count[byte]++;
      }
    }
  }
};
inline constexpr BitPositions kBitPositions;
#endif

inline int native_list_bit(const std::uint16_t* masks, int count, int bit, std::uint8_t* list) {
  int length = 0;
#if defined(__SSE2__)
  const __m128i to_sign = _mm_cvtsi32_si128(15 - bit);
  for (int i = 0; i < count; i += 8) {
    const __m128i eight = _mm_load_si128(reinterpret_cast<const __m128i*>(masks + i));
    const __m128i signs = _mm_packs_epi16(_mm_sll_epi16(eight, to_sign), _mm_setzero_si128());
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(signs));
    const std::uint64_t positions = kBitPositions.of[hits] + 0x0101010101010101u * static_cast<unsigned>(i);
    __builtin_memcpy(list + length, &positions, sizeof positions);
    length += kBitPositions.count[hits];
  }
#else
  for (int i = 0; i < count; ++i) {
    list[length] = static_cast<std::uint8_t>(i);
    length += masks[i] >> bit & 1;
  }
#endif
  return length;
}

using NativeMask = NativeInts;  // 0 or -1 in each lane
inline NativeFloats native_zero_unless(NativeMask m, NativeFloats a) {
  return reinterpret_cast<NativeFloats>(m & reinterpret_cast<NativeInts>(a));
}
inline NativeMask native_less_equal(NativeFloats a, NativeFloats b) { return a <= b; }
inline NativeMask native_less(NativeFloats a, NativeFloats b) { return a < b; }
inline NativeFloats native_select(NativeMask m, NativeFloats yes, NativeFloats no) {
  return reinterpret_cast<NativeFloats>((m & reinterpret_cast<NativeInts>(yes)) |
                                        (~m & reinterpret_cast<NativeInts>(no)));
}

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

inline NativeFloats native_fma(NativeFloats a, NativeFloats b, NativeFloats c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline NativeFloats native_fnma(NativeFloats a, NativeFloats b, NativeFloats c) {
  return _mm256_fnmadd_ps(a, b, c);
}
inline NativeFloats native_load_quarters(const float* from) {
  return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(from));
}
inline NativeFloats native_min(NativeFloats a, NativeFloats b) { return _mm256_min_ps(a, b); }
inline NativeFloats native_max(NativeFloats a, NativeFloats b) { return _mm256_max_ps(a, b); }
inline NativeFloats native_sqrt(NativeFloats a) { return _mm256_sqrt_ps(a); }
inline unsigned native_bits(NativeMask m) {
  return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(m)));
}
inline NativeFloats native_from_halves(const std::uint16_t* from) {
  return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
}

#else

inline NativeFloats native_fma(NativeFloats a, NativeFloats b, NativeFloats c) {
#if defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)
  for (int i = 0; i < kNativeLanes; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#else
  return a * b + c;
#endif
}
inline NativeFloats native_fnma(NativeFloats a, NativeFloats b, NativeFloats c) {
  return native_fma(-a, b, c);
}
inline NativeFloats native_load_quarters(const float* from) {
  return *reinterpret_cast<const NativeFloatsInMemory*>(from);
}
inline NativeFloats native_min(NativeFloats a, NativeFloats b) { return native_select(a < b, a, b); }
inline NativeFloats native_max(NativeFloats a, NativeFloats b) { return native_select(b < a, a, b); }
inline NativeFloats native_sqrt(NativeFloats a) {
  for (int i = 0; i < kNativeLanes; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
inline unsigned native_bits(NativeMask m) {
#if defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps(reinterpret_cast<__m128>(m)));
#else
  m &= NativeInts{1, 2, 4, 8};
  return static_cast<unsigned>(m[0] | m[1] | m[2] | m[3]);
#endif
}
inline NativeFloats native_from_halves(const std::uint16_t* from) {
  const NativeInts half{from[0], from[1], from[2], from[3]};
  // A half's exponent, read as a float's, is 112 too small; infinities and NaN need the largest one.
  const NativeFloats scaled = reinterpret_cast<NativeFloats>((half & 0x7fff) << 13) * 0x1p112f;
  const NativeInts special = (half & 0x7c00) == 0x7c00;
  return reinterpret_cast<NativeFloats>(reinterpret_cast<NativeInts>(scaled) | (special & 0x7f800000) |
                                        (half & 0x8000) << 16);
}

#endif

// Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits of the sum.
inline constexpr float kRoundingBias = 12582912.0f;
/// a - floor(a), and a * 2^floor(b) for normal results; both for |b| < 2^21.
inline NativeFloats native_fraction(NativeFloats a) {
  return a - ((a - 0.5f) + kRoundingBias - kRoundingBias);
}
inline NativeFloats native_scale(NativeFloats a, NativeFloats b) {
  // Unsigned, because the exponents of pixels far away wrap around; their results are never used.
  const auto exponent = reinterpret_cast<NativeBits>((b - 0.5f) + kRoundingBias);
  return reinterpret_cast<NativeFloats>(reinterpret_cast<NativeBits>(a) + (exponent << 23));
}

#endif

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
