// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/strict_json.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

using nlohmann::json;

/// Builds the value from parser events; the parser itself keeps no recursion, so neither do we.
class Builder final : public nlohmann::json_sax<json> {
 public:
  Builder(std::string_view label, std::string_view what) : label_(label), what_(what) {}

  bool null() override { return leaf(nullptr); }
  bool boolean(bool value) override { return leaf(value); }
  bool number_integer(number_integer_t value) override { return leaf(value); }
  bool number_unsigned(number_unsigned_t value) override { return leaf(value); }
  bool number_float(number_float_t value, const string_t&) override { return leaf(value); }
  bool string(string_t& value) override { return leaf(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // no JSON text holds one
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) {
      refuse(label_, what_, "JSON that repeats the key " + in_quotes(name), "each key once");
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    std::string_view why = error.what();
    if (const auto end = why.find("] "); end != std::string_view::npos) why.remove_prefix(end + 2);
    if (const auto end = why.find("; last read"); end != std::string_view::npos) why = why.substr(0, end);
    std::string shown;  // the parser quotes the offending bytes
    for (const char c : why) shown += (c >= 0x20 && c < 0x7f) ? c : '?';
    refuse(label_, what_, "not JSON at byte " + std::to_string(position) + " (" + shown + ")", "strict JSON");
  }

  json take() { return std::move(root_); }

 private:
  json* add(json&& value) {
    if (++values_ > kMaxJsonValues) {
      refuse(label_, what_, "JSON of more than " + std::to_string(kMaxJsonValues) + " values", "fewer");
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& items = open_.back()->get_ref<json::array_t&>();
      items.push_back(std::move(value));
      return &items.back();
    }
    return &(open_.back()->get_ref<json::object_t&>()[key_] = std::move(value));
  }

  bool leaf(json&& value) {
    add(std::move(value));
    return true;
  }

  bool open(json&& container) {
    if (open_.size() == kMaxJsonDepth) {
      refuse(label_, what_, "JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels", "fewer");
    }
    open_.push_back(add(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view label_, what_;
  json root_;
  std::vector<json*> open_;  // only its last element's container grows, so the others stay where they are
  std::string key_;
  int values_ = 0;
};

}  // namespace

nlohmann::json parse_strict_json(std::string_view text, std::string_view label, std::string_view what) {
  // The parser takes a NUL byte for the end of its input, and would not look behind it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    refuse(label, what, "text with a NUL at byte " + std::to_string(nul), "strict JSON");
  }
  Builder builder(label, what);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace talkrt::plan
