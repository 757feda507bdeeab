// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/tensorrt_instance.hpp"

#include <algorithm>
#include <talkrt/error.hpp>

#include "engine/src/nn/tensorrt_graph.hpp"

namespace talkrt::nn {
namespace {

constexpr std::size_t kAlign = 256;  // TensorRT's for addresses

std::size_t bytes_of(std::span<const std::int64_t> shape) {
  std::size_t bytes = sizeof(float);
  for (const std::int64_t size : shape) bytes *= static_cast<std::size_t>(size);
  return bytes;
}

std::size_t padded(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

const Shared* shared_named(std::span<const Shared> shared, std::string_view name) {
  const auto found =
      std::find_if(shared.begin(), shared.end(), [&](const auto& s) { return s.name == name; });
  return found == shared.end() ? nullptr : &*found;
}

}  // namespace

TensorRtInstance::Layout::Layout(const plan::GraphSpec& spec, std::span<const Shared> given) {
  const auto place = [this](std::vector<Port>& ports, const std::string& name,
                            std::span<const std::int64_t> shape) {
    ports.push_back({name, end, bytes_of(shape)});
    end += padded(ports.back().bytes);
  };
  for (const plan::Port& port : spec.inputs) {
    if (shared_named(given, port.name) == nullptr) place(inputs, port.name, port.shape);
  }
  outputs_at = end;
  for (const plan::Port& port : spec.outputs) place(outputs, port.name, port.shape);
  states_at = end;
  for (const plan::State& state : spec.states) place(states, state.input, state.shape);
  written_at = end;
  end += written_at - states_at;
  shared_at = end;
  for (const plan::Port& port : spec.inputs) {
    if (shared_named(given, port.name) != nullptr) place(shared, port.name, port.shape);
  }
}

TensorRtInstance::TensorRtInstance(const TensorRtGraph& graph, device::Budget* budget,
                                   std::span<const Shared> shared)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      layout_(graph.spec(), shared),
      stream_(graph.driver()),
      pinned_(graph.driver(), account_, "inputs and outputs", layout_.states_at, device::MemoryKind::pinned),
      memory_(graph.driver(), account_, "inputs, outputs and states", layout_.end,
              device::MemoryKind::device),
      activations_(graph.driver(), account_, "activations", graph.module().context_bytes(graph.engine()),
                   device::MemoryKind::device) {
  for (const Layout::Port& port : layout_.shared) {
    const std::span<const float> data = shared_named(shared, port.name)->data;
    if (data.size_bytes() != port.bytes) {
      throw Error(TALKRT_ERROR_INTERNAL, "graph " + graph.spec().name + ": input \"" + port.name +
                                             "\" is shared with " + std::to_string(data.size()) +
                                             " numbers, expected " +
                                             std::to_string(port.bytes / sizeof(float)));
    }
    shared_.push_back(data);
  }
  const device::CudaScope scope(graph.driver());
  tensorrt::Why why{};
  if (graph.module().create_context(graph.engine(), activations_.data(), activations_.size(), &context_,
                                    &why) != 0) {
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph.spec().name + ": TensorRT: " + why.text);
  }
  try {
    for (const auto* ports : {&layout_.inputs, &layout_.outputs, &layout_.states, &layout_.shared}) {
      for (const Layout::Port& port : *ports) bind(port.name, port.at);
    }
    const std::size_t back = layout_.written_at - layout_.states_at;
    for (std::size_t i = 0; i < layout_.states.size(); ++i) {
      bind(graph.spec().states[i].output, layout_.states[i].at + back);
    }
    reset();
  } catch (...) {
    graph.module().destroy_context(context_);
    throw;
  }
}

TensorRtInstance::~TensorRtInstance() {
  // Where the GPU is lost, what TensorRT holds on the host goes with the process.
  if (const device::CudaScope scope(graph_.driver(), std::nothrow); scope) {
    stream_.settle();
    graph_.module().destroy_context(context_);
  }
}

void TensorRtInstance::bind(const std::string& name, std::size_t at) {
  tensorrt::Why why{};
  if (graph_.module().bind(context_, name.c_str(), memory_.data() + at, &why) != 0) {
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph_.spec().name + ": TensorRT: " + why.text);
  }
}

std::span<float> TensorRtInstance::input(std::string_view name) {
  for (const Layout::Port& port : layout_.inputs) {
    if (port.name == name)
      return {reinterpret_cast<float*>(pinned_.data() + port.at), port.bytes / sizeof(float)};
  }
  throw Error(TALKRT_ERROR_NOT_FOUND,
              "graph " + graph_.spec().name + " has no input \"" + std::string(name) + "\"");
}

std::span<const float> TensorRtInstance::output(std::string_view name) const {
  for (const Layout::Port& port : layout_.outputs) {
    if (port.name == name)
      return {reinterpret_cast<const float*>(pinned_.data() + port.at), port.bytes / sizeof(float)};
  }
  throw Error(TALKRT_ERROR_NOT_FOUND,
              "graph " + graph_.spec().name + " has no output \"" + std::string(name) + "\"");
}

void TensorRtInstance::enqueue() {
  stream_.copy_in(memory_.data(), pinned_.data(), layout_.outputs_at);
  tensorrt::Why why{};
  if (graph_.module().enqueue(context_, stream_.handle(), &why) != 0) {
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph_.spec().name + ": TensorRT: " + why.text);
  }
  stream_.copy_out(pinned_.data() + layout_.outputs_at, memory_.data() + layout_.outputs_at,
                   layout_.states_at - layout_.outputs_at);
  stream_.copy(memory_.data() + layout_.states_at, memory_.data() + layout_.written_at,
               layout_.written_at - layout_.states_at);
}

void TensorRtInstance::execute() {
  const device::CudaScope scope(graph_.driver());
  // A context has to have run before it may be captured.
  if (ran_ && capturable_ && !captured_) {
    try {
      captured_ = stream_.capture([this] { enqueue(); });
    } catch (const Error& error) {
      if (error.code() == TALKRT_ERROR_DEVICE_LOST) throw;
      capturable_ = false;  // an engine whose layers wait for the host runs without
    }
  }
  if (captured_) {
    stream_.launch(*captured_);
  } else {
    enqueue();
  }
  stream_.synchronize();
  ran_ = true;
}

void TensorRtInstance::warm() {
  if (!ran_) execute();
  if (!captured_) execute();  // which captures
  reset();
}

void TensorRtInstance::reset() {
  const device::CudaScope scope(graph_.driver());
  for (std::size_t i = 0; i < layout_.states.size(); ++i) {
    const plan::State& state = graph_.spec().states[i];
    const Layout::Port& port = layout_.states[i];
    const std::vector<float> zeros(state.init.empty() ? port.bytes / sizeof(float) : 0);
    const void* from = zeros.data();
    if (!state.init.empty()) {
      from = graph_.plan().require(state.init, plan::DType::f32, state.shape).bytes.data();
    }
    stream_.copy_in(memory_.data() + port.at, from, port.bytes);
    stream_.synchronize();
  }
  for (std::size_t i = 0; i < layout_.shared.size(); ++i) {
    stream_.copy_in(memory_.data() + layout_.shared[i].at, shared_[i].data(), layout_.shared[i].bytes);
  }
  stream_.synchronize();
}

}  // namespace talkrt::nn
