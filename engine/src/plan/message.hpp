// SPDX-License-Identifier: Apache-2.0
//
// How refusals are worded: "<file>: <what> is <found>, expected <expected>". What comes out of a file is
// escaped and shortened first, so that a message is always one line of printable ASCII or UTF-8.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <talkrt/error.hpp>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {

/// `text` in double quotes; control characters and bytes over 0x7e as \xNN; at most 64 bytes of it.
std::string in_quotes(std::string_view text);
/// "F32 [12, 3]"; -1 is written "any".
std::string described(DType dtype, std::span<const std::int64_t> shape);
/// A float as a person would write it: "0.25".
std::string described(float value);

[[noreturn]] void refuse(std::string_view label, std::string_view what, std::string_view found,
                         std::string_view expected, talkrt_status code = TALKRT_ERROR_PLAN_CORRUPT);

}  // namespace talkrt::plan
