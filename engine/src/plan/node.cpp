// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/node.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

using nlohmann::json;

std::string found_text(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return in_quotes(value.get_ref<const std::string&>());
    case json::value_t::array:
      return "an array of " + std::to_string(value.size());
    case json::value_t::object:
      return "an object";
    default:
      return value.dump();  // null, true, a number
  }
}

std::string range_text(double least, double most) {
  return described(static_cast<float>(least)) + " to " + described(static_cast<float>(most));
}

}  // namespace

Node::Node(const json& value, std::string_view label, std::string path)
    : value_(&value), label_(label), path_(std::move(path)) {}

Node Node::at(const std::string& key) const {
  if (auto found = find(key)) return *std::move(found);
  plan::refuse(label_, "manifest " + (path_.empty() ? key : path_ + "." + key), "absent", "a value");
}

std::optional<Node> Node::find(const std::string& key) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return Node(*found, label_, path_.empty() ? key : path_ + "." + key);
}

std::vector<Node> Node::items(std::size_t least, std::size_t most) const {
  if (!value_->is_array() || value_->size() < least || value_->size() > most) {
    const std::string sizes =
        least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
    refuse("an array of " + sizes);
  }
  std::vector<Node> out;
  out.reserve(value_->size());
  for (const json& item : *value_)
    out.emplace_back(item, label_, path_ + "[" + std::to_string(out.size()) + "]");
  return out;
}

std::vector<std::pair<std::string, Node>> Node::members(std::size_t most) const {
  if (!value_->is_object()) refuse("an object");
  if (value_->size() > most) {
    refuse("an object of " + std::to_string(value_->size()) + " keys", "at most " + std::to_string(most));
  }
  std::vector<std::pair<std::string, Node>> out;
  for (const auto& [key, value] : value_->items())
    out.emplace_back(key, Node(value, label_, path_ + "[" + in_quotes(key) + "]"));
  return out;
}

std::int64_t Node::integer(std::int64_t least, std::int64_t most) const {
  const std::string expected = "an integer of " + std::to_string(least) + " to " + std::to_string(most);
  if (!value_->is_number_integer()) refuse(expected);
  // 2^63 and more are stored unsigned, and would read as negative.
  if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > std::uint64_t{INT64_MAX})
    refuse(expected);
  const auto number = value_->get<std::int64_t>();
  if (number < least || number > most) refuse(expected);
  return number;
}

float Node::number(double least, double most) const {
  if (!value_->is_number()) refuse("a number of " + range_text(least, most));
  const auto number = value_->get<double>();
  if (!(number >= least && number <= most)) refuse("a number of " + range_text(least, most));
  return static_cast<float>(number);
}

bool Node::boolean() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::string Node::text(std::size_t most) const {
  const std::string expected = "a string of 1 to " + std::to_string(most) + " printable characters";
  if (!value_->is_string()) refuse(expected);
  const auto& text = value_->get_ref<const std::string&>();
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  const auto starts = [](unsigned char c) { return c < 0x80 || c >= 0xc0; };  // a UTF-8 code point
  const auto characters = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts));
  if (characters < 1 || characters > most || std::any_of(text.begin(), text.end(), is_control)) {
    refuse(expected);
  }
  return text;
}

std::string Node::identifier(std::size_t most) const {
  std::string name = text(most);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/@";
  if (name.find_first_not_of(kAlphabet) != name.npos) refuse("only A-Z a-z 0-9 . _ - / @");
  return name;
}

bool Node::is_null() const { return value_->is_null(); }

void Node::refuse(std::string_view expected, talkrt_status code) const {
  refuse(found_text(*value_), expected, code);
}

void Node::refuse(std::string_view found, std::string_view expected, talkrt_status code) const {
  plan::refuse(label_, path_.empty() ? "the manifest" : "manifest " + path_, found, expected, code);
}

}  // namespace talkrt::plan
