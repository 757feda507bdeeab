// SPDX-License-Identifier: Apache-2.0
//
// JSON as RFC 8259 has it and no more: nesting and size are bounded, a key stands once, text is UTF-8,
// numbers fit a double, and nothing follows the value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace talkrt::plan {

inline constexpr int kMaxJsonDepth = 32;
inline constexpr int kMaxJsonValues =
    1'048'576;  // 2^20; bounds memory: a 3-byte value costs some 50 bytes parsed

/// Throws PLAN_CORRUPT; `what` names the text in messages: "header".
nlohmann::json parse_strict_json(std::string_view text, std::string_view label, std::string_view what);

}  // namespace talkrt::plan
