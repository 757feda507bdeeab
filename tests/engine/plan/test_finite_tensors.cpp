// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/src/plan/tensor_checks.hpp"
#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::plan {
namespace {

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values, std::size_t offset = 0) {
  std::vector<std::byte> out(offset + values.size() * sizeof(T));
  std::memcpy(out.data() + offset, values.data(), values.size() * sizeof(T));
  return out;
}

TEST(FiniteTensors, names_the_first_float_that_is_not_wherever_it_stands) {
  const std::size_t size = 3000;  // more than two chunks and a bit
  for (const std::size_t index : {0u, 1u, 1023u, 1024u, 2047u, 2048u, 2999u}) {
    std::vector<float> values(size, std::numeric_limits<float>::max());
    values[index] = std::numeric_limits<float>::quiet_NaN();
    values[size - 1] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(first_non_finite(DType::f32, bytes_of(values)), index);
  }
}

TEST(FiniteTensors, reads_unaligned_data) {
  std::vector<float> values(100, 1.0f);
  values[77] = std::numeric_limits<float>::infinity();
  for (std::size_t offset = 0; offset < 4; ++offset) {
    const auto bytes = bytes_of(values, offset);
    EXPECT_EQ(first_non_finite(DType::f32, std::span(bytes).subspan(offset)), 77u);
  }
}

TEST(FiniteTensors, accepts_every_finite_half_and_no_other) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const bool finite = (half & 0x7c00u) != 0x7c00u;
    const std::vector<std::uint16_t> one{static_cast<std::uint16_t>(half)};
    ASSERT_EQ(first_non_finite(DType::f16, bytes_of(one)).has_value(), !finite) << half;
  }
}

TEST(FiniteTensors, accepts_extremes_and_zeros) {
  const std::vector<float> values{0.0f, -0.0f, std::numeric_limits<float>::denorm_min(),
                                  std::numeric_limits<float>::lowest()};
  EXPECT_EQ(first_non_finite(DType::f32, bytes_of(values)), std::nullopt);
  EXPECT_EQ(first_non_finite(DType::f32, {}), std::nullopt);
}

TEST(FiniteTensors, takes_integers_as_they_are) {
  EXPECT_EQ(first_non_finite(DType::u32, bytes_of(std::vector<std::uint32_t>{0x7f800000u})), std::nullopt);
}

TEST(HalfElements, have_the_value_that_ieee_754_gives_them) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const auto exponent = static_cast<int>(half >> 10 & 0x1fu);
    if (exponent == 0x1f) continue;
    const double mantissa = half & 0x3ffu;
    double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if ((half & 0x8000u) != 0) value = -value;
    const auto bytes = bytes_of(std::vector<std::uint16_t>{static_cast<std::uint16_t>(half)});
    ASSERT_EQ(half_element({DType::f16, {1}, bytes}, 0), static_cast<float>(value)) << half;
  }
}

}  // namespace
}  // namespace talkrt::plan
