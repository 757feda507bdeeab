// SPDX-License-Identifier: Apache-2.0
//
// ONNX models as bytes, for tests: protobuf messages put together by hand, so that they can also be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talkrt::onnx {

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

/// A length-delimited field: text, bytes or a message.
inline std::string field(int number, std::string_view content) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(content.size()) + std::string(content);
}

inline std::string field(int number, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(number) << 3) + varint(value);
}

using Shape = std::vector<std::uint64_t>;
inline constexpr std::uint64_t kFloat = 1, kInt64 = 7, kHalf = 10;

/// StringStringEntryProto. `value_first` is the order that writers do not use and readers must accept.
inline std::string entry(std::string_view key, std::string_view value, bool value_first = false) {
  return value_first ? field(2, value) + field(1, key) : field(1, key) + field(2, value);
}

/// TensorProto with its data outside, as the entries say.
inline std::string external(std::string_view name, const Shape& shape,
                            const std::vector<std::string>& entries, std::uint64_t type = kFloat) {
  std::string bytes;
  for (const std::uint64_t size : shape) bytes += field(1, size);
  bytes += field(2, type) + field(8, name);
  for (const std::string& one : entries) bytes += field(13, one);
  return bytes + field(14, 1);
}

inline std::string external_at(std::string_view name, const Shape& shape, std::string_view location) {
  return external(name, shape, {entry("location", location)});
}

/// TensorProto with its data inside.
inline std::string floats(std::string_view name, const Shape& shape, const std::vector<float>& values) {
  std::string bytes;
  for (const std::uint64_t size : shape) bytes += field(1, size);
  return bytes + field(2, kFloat) + field(8, name) +
         field(9, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

/// AttributeProto that holds an integer (type 2), a tensor (type 4) or a graph (type 5).
inline std::string integer_attribute(std::string_view name, std::uint64_t value) {
  return field(1, name) + field(3, value) + field(20, 2);
}
inline std::string tensor_attribute(std::string_view name, std::string_view tensor) {
  return field(1, name) + field(5, tensor) + field(20, 4);
}
inline std::string graph_attribute(std::string_view name, std::string_view graph) {
  return field(1, name) + field(6, graph) + field(20, 5);
}

inline std::string node(std::string_view op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        const std::vector<std::string>& attributes = {}) {
  std::string bytes;
  for (const std::string& name : inputs) bytes += field(1, name);
  for (const std::string& name : outputs) bytes += field(2, name);
  bytes += field(4, op);
  for (const std::string& attribute : attributes) bytes += field(5, attribute);
  return bytes;
}

/// ValueInfoProto of a tensor; size 0 stands for an unknown one.
inline std::string value(std::string_view name, const Shape& shape, std::uint64_t type = kFloat) {
  std::string dims;
  for (const std::uint64_t size : shape) dims += field(1, size == 0 ? field(2, "n") : field(1, size));
  return field(1, name) + field(2, field(1, field(1, type) + field(2, dims)));
}

struct Graph {
  std::vector<std::string> nodes{}, initializers{}, inputs{}, outputs{};

  [[nodiscard]] std::string bytes() const {
    std::string all = field(2, "g");
    for (const auto& one : nodes) all += field(1, one);
    for (const auto& one : initializers) all += field(5, one);
    for (const auto& one : inputs) all += field(11, one);
    for (const auto& one : outputs) all += field(12, one);
    return all;
  }
};

/// ModelProto of IR version 8 and operator set 17.
inline std::string model(std::string_view graph) {
  return field(1, 8) + field(7, graph) + field(8, field(2, 17));
}

}  // namespace talkrt::onnx
