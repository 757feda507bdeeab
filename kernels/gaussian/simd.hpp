// SPDX-License-Identifier: Apache-2.0
//
// Sixteen float lanes, whatever the machine: one 512-bit register, two of 256 bits or four of 128 bits,
// through the compiler's vector extensions. What those cannot say (masks, conversions, compress) is in
// simd_native.hpp, once per instruction set with a portable fallback.
//
// The stages are compiled once per path, each time inside a namespace of its own (TALKRT_CPU_PATH, set by
// CMake), so that no wide instruction can reach a narrow machine through a shared inline function. For the
// same reason they use no function templates of the standard library.
#pragma once

#include <cstdint>

#ifndef TALKRT_CPU_PATH
#define TALKRT_CPU_PATH baseline
#endif

#include "kernels/gaussian/simd_native.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

inline constexpr int kLanes = 16;
inline constexpr int kParts = kLanes / kNativeLanes;

/// Sixteen booleans.
struct Mask {
  NativeMask part[kParts];
};

struct Ints {
  NativeInts part[kParts];
};

struct Floats {
  NativeFloats part[kParts];

  Floats() = default;
  explicit Floats(float value) {
    for (auto& p : part) p = value - NativeFloats{};  // unlike 0 + value this is free: -0 stays -0
  }
};

/// Applies f to every register of the arguments.
template <class R, class F, class... A>
[[gnu::always_inline]] inline R each(F f, const A&... args) {
  R out;
  for (int i = 0; i < kParts; ++i) out.part[i] = f(args.part[i]...);
  return out;
}

inline Floats load(const float* from) {  // 64-byte aligned
  Floats out;
  for (int i = 0; i < kParts; ++i) {
    out.part[i] = *reinterpret_cast<const NativeFloatsInMemory*>(from + i * kNativeLanes);
  }
  return out;
}
inline void store(float* to, const Floats& v) {
  for (int i = 0; i < kParts; ++i) {
    *reinterpret_cast<NativeFloatsInMemory*>(to + i * kNativeLanes) = v.part[i];
  }
}
inline void store(std::int32_t* to, const Ints& v) {
  for (int i = 0; i < kParts; ++i) {
    *reinterpret_cast<NativeIntsInMemory*>(to + i * kNativeLanes) = v.part[i];
  }
}

inline Ints load(const std::int32_t* from) {  // 64-byte aligned
  Ints out;
  for (int i = 0; i < kParts; ++i) {
    out.part[i] = *reinterpret_cast<const NativeIntsInMemory*>(from + i * kNativeLanes);
  }
  return out;
}
/// The same four floats, 16-byte aligned, in each quarter.
inline Floats load_quarters(const float* from) {
  Floats out;
  for (auto& p : out.part) p = native_load_quarters(from);
  return out;
}
inline void store_unaligned(std::int32_t* to, const Ints& v) { __builtin_memcpy(to, &v, sizeof v); }

inline Floats operator+(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return x + y; }, a, b);
}
inline Floats operator-(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return x - y; }, a, b);
}
inline Floats operator*(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return x * y; }, a, b);
}
inline Floats operator/(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return x / y; }, a, b);
}
inline Floats operator-(Floats a) {
  return each<Floats>([](auto x) { return -x; }, a);
}
/// a * b + c, rounded once where the machine can.
inline Floats fma(Floats a, Floats b, Floats c) {
  return each<Floats>([](auto x, auto y, auto z) { return native_fma(x, y, z); }, a, b, c);
}
/// c - a * b
inline Floats fnma(Floats a, Floats b, Floats c) {
  return each<Floats>([](auto x, auto y, auto z) { return native_fnma(x, y, z); }, a, b, c);
}
/// Both give b where a is NaN.
inline Floats min(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return native_min(x, y); }, a, b);
}
inline Floats max(Floats a, Floats b) {
  return each<Floats>([](auto x, auto y) { return native_max(x, y); }, a, b);
}
inline Floats clamp(Floats v, Floats low, Floats high) { return min(max(v, low), high); }
inline Floats sqrt(Floats a) {
  return each<Floats>([](auto x) { return native_sqrt(x); }, a);
}

inline Mask operator<=(Floats a, Floats b) {
  return each<Mask>([](auto x, auto y) { return native_less_equal(x, y); }, a, b);
}
inline Mask operator>(Floats a, Floats b) {
  return each<Mask>([](auto x, auto y) { return native_less(y, x); }, a, b);
}
inline Mask operator>=(Floats a, Floats b) { return b <= a; }
inline Mask operator&(Mask a, Mask b) {
  return each<Mask>([](auto x, auto y) { return static_cast<decltype(x)>(x & y); }, a, b);
}
inline Floats zero_unless(Mask keep, Floats a) {
  return each<Floats>([](auto m, auto x) { return native_zero_unless(m, x); }, keep, a);
}
inline Floats select(Mask pick, Floats yes, Floats no) {
  return each<Floats>([](auto m, auto x, auto y) { return native_select(m, x, y); }, pick, yes, no);
}
/// Bit i of the result is lane i.
inline unsigned bits(Mask m) {
  unsigned out = 0;
  for (int i = 0; i < kParts; ++i) out |= native_bits(m.part[i]) << (i * kNativeLanes);
  return out;
}
inline bool any(Mask m) {
  NativeMask all = m.part[0];
  for (int i = 1; i < kParts; ++i) all |= m.part[i];
  return native_bits(all) != 0;
}

inline Ints truncate(Floats a) {
  return each<Ints>([](auto x) { return __builtin_convertvector(x, NativeInts); }, a);
}
inline Ints as_ints(Floats a) {
  return each<Ints>([](auto x) { return reinterpret_cast<NativeInts>(x); }, a);
}
inline Floats as_floats(Ints a) {
  return each<Floats>([](auto x) { return reinterpret_cast<NativeFloats>(x); }, a);
}
inline Floats to_floats(Ints a) {
  return each<Floats>([](auto x) { return __builtin_convertvector(x, NativeFloats); }, a);
}
inline Ints operator+(Ints a, Ints b) {
  return each<Ints>([](auto x, auto y) { return x + y; }, a, b);
}
inline Ints operator-(Ints a, Ints b) {
  return each<Ints>([](auto x, auto y) { return x - y; }, a, b);
}
inline Ints operator*(Ints a, Ints b) {
  return each<Ints>([](auto x, auto y) { return x * y; }, a, b);
}
inline Ints operator|(Ints a, Ints b) {
  return each<Ints>([](auto x, auto y) { return x | y; }, a, b);
}
inline Ints operator&(Ints a, Ints b) {
  return each<Ints>([](auto x, auto y) { return x & y; }, a, b);
}
inline Ints ints(int value) {
  Ints out;
  for (auto& p : out.part) p = NativeInts{} + value;
  return out;
}
/// Arithmetic shift right and left.
template <int N>
inline Ints shift_right(Ints a) {
  return each<Ints>([](auto x) { return x >> N; }, a);
}
template <int N>
inline Ints shift_left(Ints a) {
  return each<Ints>([](auto x) { return x << N; }, a);
}

/// True in the first `count` lanes.
inline Mask lanes_below(int count) {
  alignas(64) float lane[kLanes];
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<float>(i) + 0.5f;
  return load(lane) <= Floats(static_cast<float>(count));
}

/// Sixteen IEEE halves, 32-byte aligned.
inline Floats load_halves(const std::uint16_t* from) {
  Floats out;
  for (int i = 0; i < kParts; ++i) out.part[i] = native_from_halves(from + i * kNativeLanes);
  return out;
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
