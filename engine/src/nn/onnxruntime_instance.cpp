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

struct Floats {
  std::size_t inputs = 0, outputs = 0, states = 0, shared = 0;

  Floats(const plan::GraphSpec& spec, std::span<const Shared> given) {
    for (const plan::Port& port : spec.inputs) {
      (shared_named(given, port.name) == nullptr ? inputs : shared) += padded(floats_of(port.shape));
    }
    for (const plan::Port& port : spec.outputs) outputs += padded(floats_of(port.shape));
    for (const plan::State& state : spec.states) states += 2 * padded(floats_of(state.shape));
  }
  [[nodiscard]] std::size_t own() const { return inputs + outputs + states; }
};

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

OnnxRuntimeInstance::Twin::Twin(const device::CudaDriver& driver, device::Budget& budget, std::size_t bytes,
                                std::size_t shared_bytes)
    : pinned(driver, budget, "inputs, outputs and states", bytes, device::MemoryKind::pinned),
      memory(driver, budget, "inputs, outputs and states", bytes + shared_bytes, device::MemoryKind::device) {
}

OnnxRuntimeInstance::OnnxRuntimeInstance(const OnnxRuntimeGraph& graph, device::Budget* budget,
                                         std::span<const Shared> shared)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      scratch_(account_, "scratch of a run") {
  const plan::GraphSpec& spec = graph.spec();
  const Floats floats(spec, shared);
  input_floats_ = floats.inputs, output_floats_ = floats.outputs;
  if (const OnnxRuntimeCuda* cuda = graph.cuda()) {
    twin_.emplace(cuda->driver(), account_, sizeof(float) * floats.own(), sizeof(float) * floats.shared);
    host_ = {reinterpret_cast<float*>(twin_->pinned.data()), floats.own()};
  } else {
    memory_ = device::Buffer(account_, "inputs, outputs and states", sizeof(float) * floats.own());
    host_ = memory_.as<float>();
  }
  std::span<float> free = host_;
  for (const plan::Port& port : spec.inputs) {
    const Shared* given = shared_named(shared, port.name);
    if (given == nullptr) {
      inputs_.push_back(bind(port.name, port.shape, free));
    } else {
      share(port, given->data);
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
  if (twin_) {  // execute() waits by itself, once, for its copies too
    graph.library().check(
        api.AddRunConfigEntry(run_options_.get(), "disable_synchronize_execution_providers", "1"),
        "setting run options");
  }
  if (const auto needed = graph.scratch_bytes()) scratch_.reserve(*needed);
  reset();
}

OnnxRuntimeInstance::Bound OnnxRuntimeInstance::bind(const std::string& name,
                                                     std::span<const std::int64_t> shape,
                                                     std::span<float>& free) const {
  const std::span<float> data = free.first(floats_of(shape));
  free = free.subspan(padded(data.size()));
  return wrap(name, shape, data, twin_of(data.data()));
}

void OnnxRuntimeInstance::share(const plan::Port& port, std::span<const float> data) {
  // The C API has no constant tensors; a graph never writes to its inputs.
  const std::span mutable_data(const_cast<float*>(data.data()), data.size());
  void* bound = mutable_data.data();
  if (twin_) {
    bound = twin_->memory.data() + sizeof(float) * (host_.size() + shared_floats_);
    shared_floats_ += padded(floats_of(port.shape));
  }
  shared_.push_back(wrap(port.name, port.shape, mutable_data, bound));
}

std::byte* OnnxRuntimeInstance::twin_of(const void* host) const {
  const auto* begin = reinterpret_cast<const std::byte*>(host_.data());
  const auto offset = static_cast<const std::byte*>(host) - begin;
  return (twin_ ? twin_->memory.data() : reinterpret_cast<std::byte*>(host_.data())) + offset;
}

OnnxRuntimeInstance::Bound OnnxRuntimeInstance::wrap(const std::string& name,
                                                     std::span<const std::int64_t> shape,
                                                     std::span<float> data, void* bound) const {
  const OnnxRuntimeLibrary& library = graph_.library();
  const OrtApi& api = library.api();
  const auto memory = graph_.cuda() != nullptr
                          ? graph_.cuda()->memory(library)
                          : library.make<OrtMemoryInfo>(
                                api.ReleaseMemoryInfo, "describing host memory", [&](OrtMemoryInfo** out) {
                                  return api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, out);
                                });
  if (data.size() != floats_of(shape)) {
    throw Error(TALKRT_ERROR_INTERNAL, "graph " + graph_.spec().name + ": input \"" + name +
                                           "\" is shared with " + std::to_string(data.size()) +
                                           " numbers, expected " + std::to_string(floats_of(shape)));
  }
  auto value = library.make<OrtValue>(api.ReleaseValue, "wrapping \"" + name + "\"", [&](OrtValue** out) {
    return api.CreateTensorWithDataAsOrtValue(memory.get(), bound, data.size_bytes(), shape.data(),
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
  if (!twin_) {
    run_bound();
    return;
  }
  const device::CudaStream& stream = graph_.cuda()->stream();
  const device::CudaScope scope(stream.driver());
  const std::span<const float> outputs = host_.subspan(input_floats_, output_floats_);
  stream.copy_in(twin_->memory.data(), host_.data(), sizeof(float) * input_floats_);
  run_bound();
  stream.copy_out(host_.data() + input_floats_, twin_of(outputs.data()), outputs.size_bytes());
  stream.synchronize();
}

void OnnxRuntimeInstance::run_bound() {
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
  if (!twin_) return;
  const device::CudaStream& stream = graph_.cuda()->stream();
  const device::CudaScope scope(stream.driver());
  for (const Feedback& state : states_) {
    const std::span<const float> first = state.copies[0].data;
    stream.copy_in(twin_of(first.data()), first.data(), first.size_bytes());
  }
  std::byte* to = twin_->memory.data() + sizeof(float) * host_.size();
  for (const Bound& bound : shared_) {
    stream.copy_in(to, bound.data.data(), bound.data.size_bytes());
    to += sizeof(float) * padded(bound.data.size());
  }
  stream.synchronize();
}

}  // namespace talkrt::nn
