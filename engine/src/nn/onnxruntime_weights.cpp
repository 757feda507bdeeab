// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_weights.hpp"

#include <algorithm>
#include <cstring>
#include <talkrt/error.hpp>

#include "engine/src/nn/onnx_types.hpp"
#include "engine/src/nn/onnx_weights.hpp"

namespace talkrt::nn {
namespace {

// A stack of 2048 x 2048 products with one row ran 19 to 23 % faster from repacked weights (one run, loaded
// machine), which takes a second copy of at most their size. Large graphs stay in the mapping alone.
constexpr std::size_t kRepackAtMost = std::size_t{64} << 20;

[[noreturn]] void corrupt(const std::string& where, const std::string& what) {
  throw Error(TALKRT_ERROR_PLAN_CORRUPT, where + ": " + what);
}

/// The plan's tensor that an external initializer stands for.
const plan::TensorView& tensor_of(const ExternalWeight& weight, const plan::Plan& plan,
                                  const std::string& prefix, const std::string& where) {
  const std::string what = "initializer \"" + weight.name + "\"";
  if (!weight.location.starts_with(prefix)) {
    corrupt(where,
            what + " has its data at \"" + weight.location + "\", expected a tensor named " + prefix + "*");
  }
  if (!weight.offset.empty() && weight.offset != "0") {
    corrupt(where, what + " has external_data offset " + weight.offset + ", expected 0");
  }
  const plan::TensorView* tensor = plan.find(weight.location);
  if (tensor == nullptr)
    corrupt(where, what + " needs the tensor " + weight.location + ", which the plan lacks");
  const auto dtype = dtype_of_onnx(weight.onnx_type);
  if (dtype != tensor->dtype || weight.shape != tensor->shape) {
    corrupt(where, what + " is " + describe(dtype, weight.shape) + " in the graph, but the tensor " +
                       weight.location + " is " + describe(tensor->dtype, tensor->shape));
  }
  if (!weight.length.empty() && weight.length != std::to_string(tensor->bytes.size())) {
    corrupt(where, what + " has external_data length " + weight.length + ", but the tensor " +
                       weight.location + " has " + std::to_string(tensor->bytes.size()) + " bytes");
  }
  return *tensor;
}

/// What the optimizer writes in another form, on the C heap: halves, with which a CPU computes as floats, and
/// kernels of pictures, whose channels it interleaves in blocks.
std::size_t rewritten_bytes(const plan::TensorView& tensor) {
  if (tensor.dtype == plan::DType::f16) return 2 * tensor.bytes.size();
  return tensor.shape.size() == 4 ? tensor.bytes.size() : 0;
}

}  // namespace

OnnxRuntimeWeights::Needs OnnxRuntimeWeights::needs(const plan::Plan& plan, const std::string& graph,
                                                    std::span<const std::byte> model) {
  const std::string where = plan.label() + ": graph/" + graph;
  Needs out;
  std::uint64_t packed = 0;
  for (const ExternalWeight& weight : external_weights(model, where)) {
    const plan::TensorView& tensor = tensor_of(weight, plan, "weight/" + graph + "/", where);
    out.weights += tensor.bytes.size();
    out.cpu += rewritten_bytes(tensor);
    if (weight.multiplied && tensor.shape.size() == 2) {
      packed += tensor.bytes.size() / plan::size_of(tensor.dtype) * sizeof(float);
    }
  }
  if (out.weights <= kRepackAtMost) out.cpu += packed;
  return out;
}

OnnxRuntimeWeights::OnnxRuntimeWeights(const OnnxRuntimeLibrary& library, const plan::Plan& plan,
                                       const std::string& graph, std::span<const std::byte> model,
                                       device::Budget& budget)
    : library_(library), graph_(graph) {
  const std::string where = plan.label() + ": graph/" + graph;
  const OrtApi& api = library.api();
  const auto memory =
      library.make<OrtMemoryInfo>(api.ReleaseMemoryInfo, "describing host memory", [&](OrtMemoryInfo** out) {
        return api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, out);
      });

  for (const ExternalWeight& weight : external_weights(model, where)) {
    if (std::find(names_.begin(), names_.end(), weight.name) != names_.end()) {
      corrupt(where, "initializer \"" + weight.name + "\" appears twice");
    }
    const plan::TensorView& tensor = tensor_of(weight, plan, "weight/" + graph + "/", where);
    // The mapping is read-only and so is an initializer; the C function just has no const.
    auto* data = const_cast<std::byte*>(tensor.bytes.data());
    if (reinterpret_cast<std::uintptr_t>(data) % plan::size_of(tensor.dtype) != 0) {
      device::Buffer& copy = copies_.emplace_back(budget, "unaligned weights", tensor.bytes.size());
      std::memcpy(copy.data(), tensor.bytes.data(), tensor.bytes.size());
      data = copy.data();
    }
    names_.push_back(weight.name);
    bytes_ += tensor.bytes.size();
    heap_bytes_ += rewritten_bytes(tensor);
    values_.push_back(
        library.make<OrtValue>(api.ReleaseValue, "wrapping " + weight.location, [&](OrtValue** out) {
          return api.CreateTensorWithDataAsOrtValue(memory.get(), data, tensor.bytes.size(),
                                                    tensor.shape.data(), tensor.shape.size(),
                                                    onnx_of_dtype(tensor.dtype), out);
        }));
  }
}

void OnnxRuntimeWeights::add_to(OrtSessionOptions* options, bool copied) const {
  if (values_.empty()) return;
  std::vector<const char*> names;
  std::vector<const OrtValue*> values;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    names.push_back(names_[i].c_str());
    values.push_back(values_[i].get());
  }
  // The first call resolves the external data before anything could look for a file. By itself it copies;
  // the second one makes the session use the very same memory.
  const std::string doing = "taking the weights of graph " + graph_;
  const OrtApi& api = library_.api();
  library_.check(api.AddExternalInitializers(options, names.data(), values.data(), names.size()), doing);
  if (copied) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    library_.check(api.AddInitializer(options, names[i], values[i]), doing);
  }
  if (bytes_ > kRepackAtMost) {
    library_.check(api.AddSessionConfigEntry(options, "session.disable_prepacking", "1"), doing);
  }
}

}  // namespace talkrt::nn
