// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_graph.hpp"

#include <malloc.h>

#include <array>
#include <functional>
#include <talkrt/error.hpp>
#include <utility>
#include <vector>

#include "engine/src/nn/onnx_types.hpp"
#include "engine/src/nn/onnxruntime_gpu_instance.hpp"
#include "engine/src/nn/onnxruntime_instance.hpp"

namespace talkrt::nn {
namespace {

const plan::TensorView& model_of(const plan::Plan& plan, const plan::GraphSpec& spec) {
  constexpr std::array<std::int64_t, 1> any{-1};
  return plan.require("graph/" + spec.name, plan::DType::u8, any);
}

Handle<OrtSessionOptions> options_for(const OnnxRuntimeLibrary& library, int threads) {
  const OrtApi& api = library.api();
  const std::string doing = "setting session options";
  auto options = library.make<OrtSessionOptions>(api.ReleaseSessionOptions, doing, api.CreateSessionOptions);
  OrtSessionOptions* o = options.get();
  const auto set = [&](const char* key, const char* value) {
    library.check(api.AddSessionConfigEntry(o, key, value), doing + ", " + key);
  };
  library.check(api.SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL), doing);
  library.check(api.SetSessionExecutionMode(o, ORT_SEQUENTIAL), doing);
  library.check(api.SetIntraOpNumThreads(o, threads), doing);
  library.check(api.SetInterOpNumThreads(o, 1), doing);
  // Tensors come from our own memory (onnxruntime_memory.hpp), which packs them as tightly.
  library.check(api.DisableCpuMemArena(o), doing);
  library.check(api.DisableMemPattern(o), doing);
  set("session.intra_op.allow_spinning", "0");
  set("session.inter_op.allow_spinning", "0");
  // ONNX Runtime would otherwise take its own file format from the same bytes, past our check of the weights.
  set("session.load_model_format", "ONNX");
  return options;
}

/// Opening a session copies its weights for a while, and the C library would keep what is free again.
void give_back_free_heap([[maybe_unused]] std::size_t weights) {
#if defined(__GLIBC__)
  constexpr std::size_t kWorthIt = std::size_t{16} << 20;
  if (weights >= kWorthIt) malloc_trim(0);
#endif
}

/// One side of a graph, as the manifest has it: ports, then states.
struct Expected {
  std::string name;
  plan::DType dtype;
  std::vector<std::int64_t> shape;
};

struct Side {
  const char* word;  // "input", "output"
  std::vector<Expected> expected;
  OrtStatus* (*count)(const OrtSession*, std::size_t*);
  OrtStatus* (*name)(const OrtSession*, std::size_t, OrtAllocator*, char**);
  OrtStatus* (*type)(const OrtSession*, std::size_t, OrtTypeInfo**);
};

std::string name_at(const OnnxRuntimeLibrary& library, const OrtSession* session, const Side& side,
                    std::size_t i) {
  const OrtApi& api = library.api();
  OrtAllocator* allocator = nullptr;
  library.check(api.GetAllocatorWithDefaultOptions(&allocator), "finding its allocator");
  char* text = nullptr;
  library.check(side.name(session, i, allocator, &text), std::string("reading an ") + side.word + "'s name");
  std::string name = text;
  library.check(api.AllocatorFree(allocator, text), "freeing a name");
  return name;
}

/// "F32 [1, 2, 80]" as the session reports it, or what it is instead of a tensor.
std::string type_at(const OnnxRuntimeLibrary& library, const OrtSession* session, const Side& side,
                    std::size_t i) {
  const OrtApi& api = library.api();
  const std::string doing = std::string("reading an ") + side.word + "'s type";
  const auto type = library.make<OrtTypeInfo>(api.ReleaseTypeInfo, doing,
                                              [&](OrtTypeInfo** out) { return side.type(session, i, out); });
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;
  library.check(api.CastTypeInfoToTensorInfo(type.get(), &tensor), doing);
  if (tensor == nullptr) return "not a tensor";
  ONNXTensorElementDataType element{};
  std::size_t rank = 0;
  library.check(api.GetTensorElementType(tensor, &element), doing);
  library.check(api.GetDimensionsCount(tensor, &rank), doing);
  std::vector<std::int64_t> shape(rank);
  library.check(api.GetDimensions(tensor, shape.data(), rank), doing);
  return describe(dtype_of_onnx(element), shape);
}

void verify(const OnnxRuntimeLibrary& library, const OrtSession* session, const std::string& where,
            const Side& side) {
  const auto refuse = [&](const std::string& what) {
    throw Error(TALKRT_ERROR_PLAN_CORRUPT, where + ": " + what);
  };
  std::size_t count = 0;
  library.check(side.count(session, &count), "counting ports");
  std::vector<bool> seen(side.expected.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = name_at(library, session, side, i);
    std::size_t at = 0;
    while (at < side.expected.size() && side.expected[at].name != name) ++at;
    if (at == side.expected.size()) {
      refuse(std::string("the graph has an ") + side.word + " \"" + name +
             "\" that the manifest does not list");
    }
    seen[at] = true;
    const std::string found = type_at(library, session, side, i);
    const std::string listed = describe(side.expected[at].dtype, side.expected[at].shape);
    if (found != listed) {
      refuse(std::string(side.word) + " \"" + name + "\" is " + found + " in the graph and " + listed +
             " in the manifest");
    }
  }
  for (std::size_t at = 0; at < seen.size(); ++at) {
    if (!seen[at]) {
      refuse(std::string("the manifest lists an ") + side.word + " \"" + side.expected[at].name +
             "\" that the graph does not have");
    }
  }
}

void verify(const OnnxRuntimeLibrary& library, const OrtSession* session, const std::string& where,
            const plan::GraphSpec& spec) {
  const OrtApi& api = library.api();
  Side inputs{"input", {}, api.SessionGetInputCount, api.SessionGetInputName, api.SessionGetInputTypeInfo};
  Side outputs{
      "output", {}, api.SessionGetOutputCount, api.SessionGetOutputName, api.SessionGetOutputTypeInfo};
  for (const plan::Port& port : spec.inputs) inputs.expected.push_back({port.name, port.dtype, port.shape});
  for (const plan::Port& port : spec.outputs) outputs.expected.push_back({port.name, port.dtype, port.shape});
  for (const plan::State& state : spec.states) {
    inputs.expected.push_back({state.input, state.dtype, state.shape});
    outputs.expected.push_back({state.output, state.dtype, state.shape});
  }
  for (const auto* side : {&inputs, &outputs}) {
    for (const Expected& port : side->expected) {
      if (port.dtype == plan::DType::f32) continue;
      throw Error(TALKRT_ERROR_PLAN_UNSUPPORTED,
                  where + ": " + side->word + " \"" + port.name + "\" is " +
                      describe(port.dtype, port.shape) +
                      "; this version runs graphs with F32 inputs and outputs");
    }
    verify(library, session, where, *side);
  }
}

}  // namespace

device::Budget::Line OnnxRuntimeGraph::needs(const plan::Plan& plan, const plan::GraphSpec& spec,
                                             bool on_gpu) {
  const OnnxRuntimeWeights::Needs needs =
      OnnxRuntimeWeights::needs(plan, spec.name, model_of(plan, spec).bytes);
  if (!on_gpu) return {"graph " + spec.name, device::MemoryKind::host, needs.cpu};
  return {"graph " + spec.name, device::MemoryKind::device, cuda_arena_bytes(needs.weights, spec.bytes)};
}

OnnxRuntimeGraph::OnnxRuntimeGraph(std::shared_ptr<const OnnxRuntimeLibrary> library, const plan::Plan& plan,
                                   const plan::GraphSpec& spec, int threads, device::Budget* budget,
                                   std::shared_ptr<const OnnxRuntimeCuda> cuda)
    : library_(std::move(library)),
      cuda_(std::move(cuda)),
      plan_(plan),
      spec_(spec),
      account_("graph " + spec.name, 0, budget),
      weights_(*library_, plan, spec.name, model_of(plan, spec).bytes, account_),
      rewritten_(account_, "rewritten weights", cuda_ ? weights_.bytes() : weights_.heap_bytes()),
      allowance_(account_, "ONNX Runtime's arena", cuda_ ? cuda_arena_bytes(weights_.bytes(), spec.bytes) : 0,
                 device::MemoryKind::device),
      memory_(cuda_ ? OnnxRuntimeMemory(library_, account_, *cuda_, allowance_)
                    : OnnxRuntimeMemory(library_, account_)) {
  const std::string where = plan.label() + ": graph/" + spec.name;
  const auto options = options_for(*library_, threads);
  weights_.add_to(options.get(), cuda_ != nullptr);
  if (cuda_) cuda_->add_to(*library_, options.get(), allowance_.bytes());
  session_ = memory_.open(model_of(plan, spec).bytes, options.get(), "opening " + where);
  loaded_ = memory_.arena_bytes();
  give_back_free_heap(weights_.bytes());
  if (cuda_) rewritten_.shrink(0);  // they are on the GPU now
  verify(*library_, session_.get(), where, spec_);
}

void OnnxRuntimeGraph::learn_scratch(std::size_t bytes) const noexcept {
  scratch_bytes_ = static_cast<std::int64_t>(bytes);
  if (memory_.arena_bytes() == 0) return;  // ONNX Runtime uses one of its own, if it is on a GPU at all
  // Where it loads weights past our arena, as some versions may, they are in its own.
  const std::uint64_t elsewhere = loaded_ < weights_.bytes() ? weights_.bytes() + weights_.bytes() / 8 : 0;
  if (allowance_.bytes() > elsewhere) allowance_.shrink(elsewhere);
}

std::optional<std::size_t> OnnxRuntimeGraph::scratch_bytes() const noexcept {
  const std::int64_t bytes = scratch_bytes_;
  return bytes < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(bytes));
}

std::unique_ptr<Instance> OnnxRuntimeGraph::instance(device::Budget* budget, const Ties& ties) const {
  if (cuda_) return std::make_unique<OnnxRuntimeGpuInstance>(*this, budget, ties);
  return std::make_unique<OnnxRuntimeInstance>(*this, budget, ties);
}

}  // namespace talkrt::nn
