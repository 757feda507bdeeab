// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_run.hpp"

#include <utility>

#include "engine/src/nn/named_ports.hpp"
#include "engine/src/nn/onnxruntime_graph.hpp"

namespace talkrt::nn {

OnnxRuntimeRun::OnnxRuntimeRun(const OnnxRuntimeGraph& graph, device::Budget& budget)
    : graph_(graph), scratch_(budget, "scratch of a run") {
  const OnnxRuntimeLibrary& library = graph.library();
  const OrtApi& api = library.api();
  options_ = library.make<OrtRunOptions>(api.ReleaseRunOptions, "creating run options", api.CreateRunOptions);
  if (graph.cuda() == nullptr) return;
  // Whoever runs it waits by itself, where anybody has to.
  library.check(api.AddRunConfigEntry(options_.get(), "disable_synchronize_execution_providers", "1"),
                "setting run options");
}

Handle<OrtValue> OnnxRuntimeRun::wrap(const std::string& name, std::span<const std::int64_t> shape,
                                      void* memory) const {
  const OnnxRuntimeLibrary& library = graph_.library();
  const OrtApi& api = library.api();
  const auto about = graph_.cuda() != nullptr
                         ? graph_.cuda()->memory(library)
                         : library.make<OrtMemoryInfo>(
                               api.ReleaseMemoryInfo, "describing host memory", [&](OrtMemoryInfo** out) {
                                 return api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, out);
                               });
  return library.make<OrtValue>(api.ReleaseValue, "wrapping \"" + name + "\"", [&](OrtValue** out) {
    return api.CreateTensorWithDataAsOrtValue(about.get(), memory, floats_of(shape) * sizeof(float),
                                              shape.data(), shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                              out);
  });
}

void OnnxRuntimeRun::input(const std::string& name, std::span<const std::int64_t> shape, void* memory) {
  inputs_.push_back({name, wrap(name, shape, memory)});
}

void OnnxRuntimeRun::output(const std::string& name, std::span<const std::int64_t> shape, void* memory) {
  outputs_.push_back({name, wrap(name, shape, memory)});
}

void OnnxRuntimeRun::state(std::span<const std::int64_t> shape, const std::array<void*, 2>& copies) {
  const std::string& name = graph_.spec().states[states_.size()].input;
  states_.push_back({wrap(name, shape, copies[0]), wrap(name, shape, copies[1])});
}

void OnnxRuntimeRun::ready() {
  for (const std::size_t reads : {0u, 1u}) bindings_[reads] = binding(reads);
  if (const auto needed = graph_.scratch_bytes()) scratch_.reserve(*needed);
}

Handle<OrtIoBinding> OnnxRuntimeRun::binding(std::size_t reads) const {
  const OnnxRuntimeLibrary& library = graph_.library();
  const OrtApi& api = library.api();
  auto made = library.make<OrtIoBinding>(api.ReleaseIoBinding, "creating a binding", [&](OrtIoBinding** out) {
    return api.CreateIoBinding(graph_.session(), out);
  });
  const auto in = [&](const std::string& name, const Handle<OrtValue>& value) {
    library.check(api.BindInput(made.get(), name.c_str(), value.get()), "binding input " + name);
  };
  const auto out = [&](const std::string& name, const Handle<OrtValue>& value) {
    library.check(api.BindOutput(made.get(), name.c_str(), value.get()), "binding output " + name);
  };
  for (const Bound& bound : inputs_) in(bound.name, bound.value);
  for (const Bound& bound : outputs_) out(bound.name, bound.value);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const plan::State& state = graph_.spec().states[i];
    in(state.input, states_[i][reads]);
    out(state.output, states_[i][1 - reads]);
  }
  return made;
}

void OnnxRuntimeRun::run() {
  OnnxRuntimeMemory::run(graph_.library(), graph_.session(), options_.get(), bindings_[reads_].get(),
                         scratch_, graph_.spec().name);
  reads_ = 1 - reads_;
  if (!std::exchange(ran_, true)) graph_.learn_scratch(scratch_.bytes());
}

}  // namespace talkrt::nn
