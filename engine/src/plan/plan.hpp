// SPDX-License-Identifier: Apache-2.0
//
// A plan file, mapped read-only and validated: export/FORMAT.md is the specification. Immutable once
// open; every view it hands out lives as long as the Plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/plan/manifest.hpp"

namespace talkrt::plan {

enum class DType : std::uint8_t { u8, i8, u16, i16, u32, i32, i64, f16, f32 };

std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);  // as the file spells it: "F32"

/// A tensor inside the mapping. Data may be unaligned: copy before typed access.
struct TensorView {
  DType dtype = DType::u8;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

class Plan {
 public:
  /// Maps and validates. Throws Error: NOT_FOUND, IO, PLAN_CORRUPT, PLAN_UNSUPPORTED.
  explicit Plan(const std::string& path);
  /// The same for bytes in memory that outlive the Plan; `label` stands for the path in messages.
  Plan(std::span<const std::byte> bytes, std::string label);
  Plan(Plan&&) noexcept;
  ~Plan();

  [[nodiscard]] const Manifest& manifest() const noexcept;
  [[nodiscard]] const std::string& manifest_json() const noexcept;
  [[nodiscard]] const std::string& label() const noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

  /// nullptr when absent.
  [[nodiscard]] const TensorView* find(std::string_view name) const noexcept;
  /// Throws PLAN_CORRUPT naming the tensor, what it is and what was expected. -1 in `shape` is any size.
  [[nodiscard]] const TensorView& require(std::string_view name, DType dtype,
                                          std::span<const std::int64_t> shape) const;
  [[nodiscard]] std::vector<std::string_view> names() const;  // sorted
  /// For a tensor that was copied: its pages need not stay in memory. They come back when it is read.
  void forget(const TensorView& tensor) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace talkrt::plan
