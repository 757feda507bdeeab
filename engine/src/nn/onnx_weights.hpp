// SPDX-License-Identifier: Apache-2.0
//
// Which weights an ONNX model leaves outside itself. ONNX lets a model name files for its weights
// (`external_data`), and in newer ONNX Runtimes even addresses in memory; a plan must never make a runtime
// follow such a name, so every one of them is found here first, whatever the runtime would do with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace talkrt::nn {

/// An initializer of the main graph whose data lies elsewhere.
struct ExternalWeight {
  std::string name;      // the initializer's
  std::string location;  // as the model says it; a tensor of the plan, never a path
  std::string offset, length;
  int onnx_type = 0;  // TensorProto.DataType
  std::vector<std::int64_t> shape;
  bool multiplied = false;  // the right side of a product of matrices, perhaps after a cast
};

/// Reads the protobuf wire format of an ONNX ModelProto just far enough. Throws PLAN_CORRUPT, beginning with
/// `label`, when the bytes are not protobuf, nest deeper than 32 graphs, or hold external data anywhere but
/// in the main graph's dense initializers (constants, attributes, subgraphs, functions).
std::vector<ExternalWeight> external_weights(std::span<const std::byte> model, const std::string& label);

}  // namespace talkrt::nn
