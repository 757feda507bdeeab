// SPDX-License-Identifier: Apache-2.0
//
// From channels apart to channels together: four vectors of sixteen lanes become sixteen groups of four.
#pragma once

#include <utility>

#include "kernels/gaussian/simd.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

using Four [[gnu::vector_size(16), gnu::may_alias]] = float;

/// Interleaves pairs of `Width` lanes from the low (or high) half of every group of four lanes:
/// Width 1, low: a0 b0 a1 b1; Width 2, low: a0 a1 b0 b1.
template <int Width, bool High, std::size_t... I>
inline NativeFloats interleave(NativeFloats a, NativeFloats b, std::index_sequence<I...>) {
  constexpr int kN = kNativeLanes;
  return __builtin_shufflevector(
      a, b,
      static_cast<int>(I / 4 * 4 + (High ? 2 : 0) + (Width == 1 ? I % 4 / 2 : I % 2) +
                       ((Width == 1 ? I % 2 : I % 4 / 2) != 0 ? kN : 0))...);
}

template <int Group>
inline Four group_of(NativeFloats v) {
  return __builtin_shufflevector(v, v, 4 * Group, 4 * Group + 1, 4 * Group + 2, 4 * Group + 3);
}

/// to[lane * stride + 0..3] = a, b, c, d of that lane; `to` and stride are multiples of 16 bytes.
inline void store_fours(float* to, int stride, const Floats& a, const Floats& b, const Floats& c,
                        const Floats& d) {
  constexpr auto kAll = std::make_index_sequence<kNativeLanes>{};
  for (int i = 0; i < kParts; ++i) {
    const NativeFloats ab0 = interleave<1, false>(a.part[i], b.part[i], kAll);
    const NativeFloats ab2 = interleave<1, true>(a.part[i], b.part[i], kAll);
    const NativeFloats cd0 = interleave<1, false>(c.part[i], d.part[i], kAll);
    const NativeFloats cd2 = interleave<1, true>(c.part[i], d.part[i], kAll);
    const NativeFloats lane[4] = {interleave<2, false>(ab0, cd0, kAll), interleave<2, true>(ab0, cd0, kAll),
                                  interleave<2, false>(ab2, cd2, kAll), interleave<2, true>(ab2, cd2, kAll)};
    float* part = to + i * kNativeLanes * stride;
    for (int j = 0; j < 4; ++j) {
      const auto put = [&]<int Group>() {
        if constexpr (Group * 4 < kNativeLanes) {
          *reinterpret_cast<Four*>(part + (4 * Group + j) * stride) = group_of<Group>(lane[j]);
        }
      };
      put.template operator()<0>();
      put.template operator()<1>();
      put.template operator()<2>();
      put.template operator()<3>();
    }
  }
}

template <bool High, std::size_t... I>
inline NativeInts pair_up(NativeInts a, NativeInts b, std::index_sequence<I...>) {
  constexpr int kN = kNativeLanes;
  return __builtin_shufflevector(a, b,
                                 static_cast<int>(I / 2 + (High ? kN / 2 : 0) + (I % 2 != 0 ? kN : 0))...);
}

/// to[2 * lane + 0..1] = a, b of that lane.
template <class Integer>
inline void store_pairs(Integer* to, const Ints& a, const Ints& b) {
  static_assert(sizeof(Integer) == sizeof(std::int32_t));
  constexpr auto kAll = std::make_index_sequence<kNativeLanes>{};
  for (int i = 0; i < kParts; ++i) {
    const NativeInts low = pair_up<false>(a.part[i], b.part[i], kAll);
    const NativeInts high = pair_up<true>(a.part[i], b.part[i], kAll);
    __builtin_memcpy(to + 2 * i * kNativeLanes, &low, sizeof low);
    __builtin_memcpy(to + (2 * i + 1) * kNativeLanes, &high, sizeof high);
  }
}

/// Four rows of four RGB8 pixels, `stride` bytes apart, column by column: red in the lowest byte, the highest
/// one is anything. Reads four bytes more than it needs of each row.
inline Ints load_rgb_block(const std::uint8_t* from, std::ptrdiff_t stride) {
  using Bytes [[gnu::vector_size(16)]] = std::uint8_t;
  using Four32 [[gnu::vector_size(16)]] = std::int32_t;
  using Eight32 [[gnu::vector_size(32)]] = std::int32_t;
  using Sixteen32 [[gnu::vector_size(64)]] = std::int32_t;
  const auto row = [&](int i) {
    Bytes bytes;
    __builtin_memcpy(&bytes, from + i * stride, sizeof bytes);
    return reinterpret_cast<Four32>(
        __builtin_shufflevector(bytes, bytes, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11));
  };
  const Eight32 top = __builtin_shufflevector(row(0), row(1), 0, 1, 2, 3, 4, 5, 6, 7);
  const Eight32 bottom = __builtin_shufflevector(row(2), row(3), 0, 1, 2, 3, 4, 5, 6, 7);
  const Sixteen32 all =
      __builtin_shufflevector(top, bottom, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  Ints out;
  __builtin_memcpy(&out, &all, sizeof out);
  return out;
}

/// The 4x4 matrix in `v`, rows and columns swapped; `to` is 64-byte aligned.
inline void store_transposed(std::int32_t* to, const Ints& v) {
  using Sixteen [[gnu::vector_size(64)]] = std::int32_t;
  Sixteen all;
  __builtin_memcpy(&all, &v, sizeof all);
  all = __builtin_shufflevector(all, all, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  __builtin_memcpy(to, &all, sizeof all);
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
