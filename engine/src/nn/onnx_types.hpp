// SPDX-License-Identifier: Apache-2.0
//
// ONNX element types and the plan's. The numbers of TensorProto.DataType and of ONNXTensorElementDataType
// are the same.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

/// Nothing for types that a plan cannot hold.
std::optional<plan::DType> dtype_of_onnx(int onnx_type);
ONNXTensorElementDataType onnx_of_dtype(plan::DType dtype);

/// "F32 [1, 2, 80]"; negative sizes are "?" .
std::string describe(std::optional<plan::DType> dtype, std::span<const std::int64_t> shape);

}  // namespace talkrt::nn
