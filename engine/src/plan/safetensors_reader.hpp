// SPDX-License-Identifier: Apache-2.0
//
// The container: export/FORMAT.md section 1. Reads the header, proves that its tensors tile the rest of
// the file exactly, and looks no further.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {

using TensorMap = std::map<std::string, TensorView, std::less<>>;

struct Container {
  TensorMap tensors;          // views into the bytes that were read
  std::string manifest_json;  // `talkrt.plan` of the metadata
};

/// Throws PLAN_CORRUPT. Allocates in proportion to the bytes given, never to what they claim.
Container read_safetensors(std::span<const std::byte> bytes, std::string_view label);

/// Letters, digits and . _ - / @, 1 to 255 of them, and nothing that could walk a directory tree.
bool is_tensor_name(std::string_view name);

/// Throws PLAN_CORRUPT where there is no such tensor, or not of this dtype and shape (-1: any size).
const TensorView& require_tensor(const TensorMap& tensors, std::string_view label, std::string_view name,
                                 DType dtype, std::span<const std::int64_t> shape);

}  // namespace talkrt::plan
