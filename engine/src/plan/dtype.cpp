// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/dtype.hpp"

#include <algorithm>
#include <array>

namespace talkrt::plan {
namespace {

struct Entry {
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array<Entry, 9> kTypes{{{"U8", 1},
                                       {"I8", 1},
                                       {"U16", 2},
                                       {"I16", 2},
                                       {"U32", 4},
                                       {"I32", 4},
                                       {"I64", 8},
                                       {"F16", 2},
                                       {"F32", 4}}};

}  // namespace

std::size_t size_of(DType dtype) { return kTypes[static_cast<std::size_t>(dtype)].size; }

std::string_view name_of(DType dtype) { return kTypes[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_named(std::string_view name) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Entry& type) { return type.name == name; });
  if (found == kTypes.end()) return std::nullopt;
  return static_cast<DType>(found - kTypes.begin());
}

}  // namespace talkrt::plan
