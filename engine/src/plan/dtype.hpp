// SPDX-License-Identifier: Apache-2.0
//
// Element types by the names that the file uses.
#pragma once

#include <optional>
#include <string_view>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {

inline constexpr std::string_view kDTypeNames = "one of U8 I8 U16 I16 U32 I32 I64 F16 F32";

std::optional<DType> dtype_named(std::string_view name);

}  // namespace talkrt::plan
