// SPDX-License-Identifier: Apache-2.0
//
// A value of the manifest and the path to it. Every getter names that path when it refuses what it finds:
// "a.plan: manifest video.width is 0, expected an integer of 1 to 8192". Borrows the JSON and the label.
#pragma once

#include <talkrt/talkrt.h>

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace talkrt::plan {

class Node {
 public:
  Node(const nlohmann::json& value, std::string_view label, std::string path);

  /// A member of this object; keys that nobody asks for are ignored.
  [[nodiscard]] Node at(const std::string& key) const;
  [[nodiscard]] std::optional<Node> find(const std::string& key) const;
  /// The elements of this array, `least` to `most` of them.
  [[nodiscard]] std::vector<Node> items(std::size_t least, std::size_t most) const;
  /// The members of this object, by key.
  [[nodiscard]] std::vector<std::pair<std::string, Node>> members(std::size_t most) const;

  [[nodiscard]] std::int64_t integer(std::int64_t least, std::int64_t most) const;
  [[nodiscard]] float number(double least, double most) const;
  template <std::size_t N>
  [[nodiscard]] std::array<float, N> numbers(double least, double most) const {
    std::array<float, N> out{};
    const auto values = items(N, N);
    for (std::size_t i = 0; i < N; ++i) out[i] = values[i].number(least, most);
    return out;
  }
  [[nodiscard]] bool boolean() const;
  /// 1 to `most` characters (code points), none of them a control character.
  [[nodiscard]] std::string text(std::size_t most) const;
  /// Text of letters, digits and `._-/@`, 1 to `most` of them: what may stand in a tensor's name.
  [[nodiscard]] std::string identifier(std::size_t most) const;
  [[nodiscard]] bool is_null() const;

  [[nodiscard]] std::string_view label() const noexcept { return label_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[noreturn]] void refuse(std::string_view expected, talkrt_status code = TALKRT_ERROR_PLAN_CORRUPT) const;
  /// The same with other words for what was found.
  [[noreturn]] void refuse(std::string_view found, std::string_view expected,
                           talkrt_status code = TALKRT_ERROR_PLAN_CORRUPT) const;

 private:
  const nlohmann::json* value_;
  std::string_view label_;
  std::string path_;
};

}  // namespace talkrt::plan
