// SPDX-License-Identifier: Apache-2.0
//
// A plan taken apart, to be changed and put together again in memory. Validates nothing.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {

struct EditableTensor {
  DType dtype = DType::u8;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

struct EditablePlan {
  nlohmann::json manifest;
  std::map<std::string, EditableTensor> tensors;

  /// tests/data/tiny.plan.
  static EditablePlan tiny();
  /// `pad` spaces after the header move the data to any alignment.
  [[nodiscard]] std::vector<std::byte> bytes(std::size_t pad = 0) const;
  /// The bytes, validated: "" or the message of the refusal.
  [[nodiscard]] std::string refusal() const;
};

/// A container around a header that may be anything.
std::vector<std::byte> container(const std::string& header, std::size_t data_bytes = 0);
/// The message that the reader refuses these bytes with, or "".
std::string refusal_of(const std::vector<std::byte>& bytes);

}  // namespace talkrt::plan
