// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/message.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace talkrt::plan {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || c == '"' || c == '\\') {
      std::array<char, 5> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(byte));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + (text.size() > kShown ? "...\"" : "\"");
}

std::string described(DType dtype, std::span<const std::int64_t> shape) {
  std::string out(name_of(dtype));
  out += " [";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ", ";
    out += shape[i] < 0 ? "any" : std::to_string(shape[i]);
  }
  return out + "]";
}

std::string described(float value) {
  std::array<char, 32> text{};  // the shortest form that reads back as the same float
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

void refuse(std::string_view label, std::string_view what, std::string_view found, std::string_view expected,
            talkrt_status code) {
  std::string message(label);
  message.append(": ").append(what).append(" is ").append(found).append(", expected ").append(expected);
  throw Error(code, message);
}

}  // namespace talkrt::plan
