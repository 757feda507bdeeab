// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"

namespace talkrt::plan {
namespace {

/// A number is not finite where its exponent is all ones. Whole chunks are or-ed together without a branch,
/// which compilers turn into vector code; only a chunk that holds such a number is searched.
template <class Word, Word kExponent>
std::optional<std::size_t> search(std::span<const std::byte> bytes) {
  constexpr std::size_t kChunk = 4096 / sizeof(Word);
  std::array<Word, kChunk> words;
  const std::size_t count = bytes.size() / sizeof(Word);
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::size_t size = std::min(kChunk, count - begin);
    std::memcpy(words.data(), bytes.data() + begin * sizeof(Word), size * sizeof(Word));
    Word found = 0;
    for (std::size_t i = 0; i < size; ++i) {
      found |= static_cast<Word>((words[i] & kExponent) == kExponent);
    }
    if (found == 0) continue;
    const auto at = std::find_if(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(size),
                                 [](Word w) { return (w & kExponent) == kExponent; });
    return begin + static_cast<std::size_t>(at - words.begin());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> first_non_finite(DType dtype, std::span<const std::byte> bytes) {
  if (dtype == DType::f32) return search<std::uint32_t, 0x7f80'0000u>(bytes);
  if (dtype == DType::f16) return search<std::uint16_t, 0x7c00u>(bytes);
  return std::nullopt;
}

void check_finite(const TensorMap& tensors, std::string_view label) {
  for (const auto& [name, tensor] : tensors) {
    if (const auto index = first_non_finite(tensor.dtype, tensor.bytes)) {
      refuse(label, "tensor " + name + "[" + std::to_string(*index) + "]", "NaN or infinite",
             "a finite number");
    }
  }
}

}  // namespace talkrt::plan
