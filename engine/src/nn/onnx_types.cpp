// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnx_types.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace talkrt::nn {
namespace {

constexpr std::array<std::pair<plan::DType, ONNXTensorElementDataType>, 9> kTypes{{
    {plan::DType::u8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {plan::DType::i8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {plan::DType::u16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {plan::DType::i16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {plan::DType::u32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {plan::DType::i32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {plan::DType::i64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {plan::DType::f16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {plan::DType::f32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
}};

}  // namespace

std::optional<plan::DType> dtype_of_onnx(int onnx_type) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& pair) {
    return static_cast<int>(pair.second) == onnx_type;
  });
  if (found == kTypes.end()) return std::nullopt;
  return found->first;
}

ONNXTensorElementDataType onnx_of_dtype(plan::DType dtype) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& pair) { return pair.first == dtype; });
  return found == kTypes.end() ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED : found->second;
}

std::string describe(std::optional<plan::DType> dtype, std::span<const std::int64_t> shape) {
  std::string text = dtype ? std::string(plan::name_of(*dtype)) : "a type that plans do not have";
  text += " [";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace talkrt::nn
