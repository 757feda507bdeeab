// SPDX-License-Identifier: Apache-2.0
//
// Numbers out of a tensor whose bytes may be unaligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {

template <class T>
T element(const TensorView& tensor, std::size_t index) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// A finite IEEE half as a float.
inline float half_element(const TensorView& tensor, std::size_t index) {
  const std::uint32_t half = element<std::uint16_t>(tensor, index);
  const std::uint32_t sign = (half & 0x8000u) << 16u;
  const std::uint32_t rest = half & 0x7fffu;
  // The half's exponent and mantissa, moved into a float's, are the number times 2^-112.
  const std::uint32_t bits = sign | rest << 13u;
  float scaled = 0;
  std::memcpy(&scaled, &bits, sizeof scaled);
  return scaled * 0x1p112f;
}

}  // namespace talkrt::plan
