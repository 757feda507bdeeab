// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_instance.hpp"

#include <algorithm>
#include <cstring>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/nn/onnxruntime_graph.hpp"

namespace talkrt::nn {
namespace {

constexpr std::size_t kAlignFloats = 16;  // 64 bytes

std::size_t floats_of(std::span<const std::int64_t> shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

std::size_t padded(std::size_t floats) { return (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats; }

const Shared* shared_named(std::span<const Shared> shared, std::string_view name) {
  const auto found =
      std::find_if(shared.begin(), shared.end(), [&](const auto& s) { return s.name == name; });
  return found == shared.end() ? nullptr : &*found;
}

std::size_t memory_floats(const plan::GraphSpec& spec, std::span<const Shared> shared) {
  std::size_t floats = 0;
  for (const plan::Port& port : spec.inputs) {
    if (shared_named(shared, port.name) == nullptr) floats += padded(floats_of(port.shape));
  }
  for (const plan::Port& port : spec.outputs) floats += padded(floats_of(port.shape));
  for (const plan::State& state : spec.states) floats += 2 * padded(floats_of(state.shape));
  return floats;
}

template <class Ports>
auto& port_named(Ports& ports, std::string_view name, const std::string& graph, const char* word) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == name; });
  if (found != ports.end()) return *found;
  std::string known;
  for (const auto& port : ports) known += (known.empty() ? "" : ", ") + port.name;
  throw Error(TALKRT_ERROR_NOT_FOUND,
              "graph " + graph + " has no " + word + " \"" + std::string(name) + "\"; it has: " + known);
}

}  // namespace

OnnxRuntimeInstance::OnnxRuntimeInstance(const OnnxRuntimeGraph& graph, device::Budget* budget,
                                         std::span<const Shared> shared)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      memory_(account_, "inputs, outputs and states", memory_floats(graph.spec(), shared) * sizeof(float)),
      scratch_(account_, "scratch of a run") {
  const plan::GraphSpec& spec = graph.spec();
  std::span<float> free = memory_.as<float>();
  for (const plan::Port& port : spec.inputs) {
    const Shared* given = shared_named(shared, port.name);
    if (given == nullptr) {
      inputs_.push_back(bind(port.name, port.shape, free));
    } else {
      // The C API has no constant tensors; a graph never writes to its inputs.
      const std::span data(const_cast<float*>(given->data.data()), given->data.size());
      shared_.push_back(wrap(port.name, port.shape, data));
    }
  }
  for (const plan::Port& port : spec.outputs) outputs_.push_back(bind(port.name, port.shape, free));
  for (const plan::State& state : spec.states) {
    Feedback& feedback = states_.emplace_back();
    for (Bound& copy : feedback.copies) copy = bind(state.input, state.shape, free);
    if (!state.init.empty()) {
      feedback.initial = graph.plan().require(state.init, plan::DType::f32, state.shape).bytes;
    }
  }
  for (int reads = 0; reads < 2; ++reads) make_binding(reads);
  const OrtApi& api = graph.library().api();
  run_options_ = graph.library().make<OrtRunOptions>(api.ReleaseRunOptions, "creating run options",
                                                     api.CreateRunOptions);
  if (const auto needed = graph.scratch_bytes()) scratch_.reserve(*needed);
  reset();
}

OnnxRuntimeInstance::Bound OnnxRuntimeInstance::bind(const std::string& name,
                                                     std::span<const std::int64_t> shape,
                                                     std::span<float>& free) const {
  const std::span<float> data = free.first(floats_of(shape));
  free = free.subspan(padded(data.size()));
  return wrap(name, shape, data);
}

OnnxRuntimeInstance::Bound OnnxRuntimeInstance::wrap(const std::string& name,
                                                     std::span<const std::int64_t> shape,
                                                     std::span<float> data) const {
  const OnnxRuntimeLibrary& library = graph_.library();
  const OrtApi& api = library.api();
  const auto memory =
      library.make<OrtMemoryInfo>(api.ReleaseMemoryInfo, "describing host memory", [&](OrtMemoryInfo** out) {
        return api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, out);
      });
  if (data.size() != floats_of(shape)) {
    throw Error(TALKRT_ERROR_INTERNAL, "graph " + graph_.spec().name + ": input \"" + name +
                                           "\" is shared with " + std::to_string(data.size()) +
                                           " numbers, expected " + std::to_string(floats_of(shape)));
  }
  auto value = library.make<OrtValue>(api.ReleaseValue, "wrapping \"" + name + "\"", [&](OrtValue** out) {
    return api.CreateTensorWithDataAsOrtValue(memory.get(), data.data(), data.size_bytes(), shape.data(),
                                              shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, out);
  });
  return {name, data, std::move(value)};
}

void OnnxRuntimeInstance::make_binding(int reads) {
  const OnnxRuntimeLibrary& library = graph_.library();
  const OrtApi& api = library.api();
  auto binding = library.make<OrtIoBinding>(
      api.ReleaseIoBinding, "creating a binding",
      [&](OrtIoBinding** out) { return api.CreateIoBinding(graph_.session(), out); });
  const auto in = [&](const std::string& name, const Bound& bound) {
    library.check(api.BindInput(binding.get(), name.c_str(), bound.value.get()), "binding input " + name);
  };
  const auto out = [&](const std::string& name, const Bound& bound) {
    library.check(api.BindOutput(binding.get(), name.c_str(), bound.value.get()), "binding output " + name);
  };
  for (const Bound& bound : inputs_) in(bound.name, bound);
  for (const Bound& bound : shared_) in(bound.name, bound);
  for (const Bound& bound : outputs_) out(bound.name, bound);
  const auto read = static_cast<std::size_t>(reads), written = 1 - read;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const plan::State& state = graph_.spec().states[i];
    in(state.input, states_[i].copies[read]);
    out(state.output, states_[i].copies[written]);
  }
  bindings_[read] = std::move(binding);
}

std::span<float> OnnxRuntimeInstance::input(std::string_view name) {
  return port_named(inputs_, name, graph_.spec().name, "input").data;
}

std::span<const float> OnnxRuntimeInstance::output(std::string_view name) const {
  return port_named(outputs_, name, graph_.spec().name, "output").data;
}

void OnnxRuntimeInstance::execute() {
  const OnnxRuntimeLibrary& library = graph_.library();
  OnnxRuntimeMemory::run(library, graph_.session(), run_options_.get(),
                         bindings_[static_cast<std::size_t>(reads_)].get(), scratch_, graph_.spec().name);
  reads_ = 1 - reads_;
  if (!ran_) graph_.learn_scratch(scratch_.bytes());
  ran_ = true;
}

void OnnxRuntimeInstance::warm() {
  if (!graph_.scratch_bytes()) execute();
  reset();
}

void OnnxRuntimeInstance::reset() {
  reads_ = 0;
  for (Feedback& state : states_) {
    const std::span<float> first = state.copies[0].data;
    if (state.initial.empty()) {
      std::fill(first.begin(), first.end(), 0.0f);
    } else {
      std::memcpy(first.data(), state.initial.data(), first.size_bytes());
    }
  }
}

}  // namespace talkrt::nn
