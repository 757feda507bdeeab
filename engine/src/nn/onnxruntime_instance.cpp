// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_instance.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/src/nn/named_ports.hpp"
#include "engine/src/nn/onnxruntime_graph.hpp"

namespace talkrt::nn {
namespace {

constexpr std::size_t kAlignFloats = 16;  // 64 bytes

std::size_t padded(std::size_t floats) { return (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats; }

/// What the input reads that is not the host's to write.
std::optional<std::span<const float>> given(const plan::Port& port, const Ties& ties) {
  if (const Shared* shared = named(ties.shared, port.name)) return shared->data;
  if (const Link* link = named(ties.links, port.name)) return link->from->output(link->output);
  return std::nullopt;
}

std::size_t own_floats(const plan::GraphSpec& spec, const Ties& ties) {
  std::size_t floats = 0;
  for (const plan::Port& port : spec.inputs) floats += given(port, ties) ? 0 : padded(floats_of(port.shape));
  for (const plan::Port& port : spec.outputs) floats += padded(floats_of(port.shape));
  for (const plan::State& state : spec.states) floats += 2 * padded(floats_of(state.shape));
  return floats;
}

}  // namespace

OnnxRuntimeInstance::OnnxRuntimeInstance(const OnnxRuntimeGraph& graph, device::Budget* budget,
                                         const Ties& ties)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      memory_(account_, "inputs, outputs and states", sizeof(float) * own_floats(graph.spec(), ties)),
      run_(graph, account_) {
  const plan::GraphSpec& spec = graph.spec();
  std::span<float> free = memory_.as<float>();
  const auto take = [&free](std::span<const std::int64_t> shape) {
    const std::span<float> out = free.first(floats_of(shape));
    free = free.subspan(padded(out.size()));
    return out;
  };
  for (const plan::Port& port : spec.inputs) {
    if (const auto from = given(port, ties)) {
      require_floats(spec.name, port, from->size());
      // The C API has no constant tensors; a graph never writes to its inputs.
      run_.input(port.name, port.shape, const_cast<float*>(from->data()));
    } else {
      inputs_.push_back({port.name, take(port.shape)});
      run_.input(port.name, port.shape, inputs_.back().data.data());
    }
  }
  for (const plan::Port& port : spec.outputs) {
    outputs_.push_back({port.name, take(port.shape)});
    run_.output(port.name, port.shape, outputs_.back().data.data());
  }
  for (const plan::State& state : spec.states) {
    State& kept = states_.emplace_back(State{take(state.shape), {}});
    run_.state(state.shape, {kept.first.data(), take(state.shape).data()});
    if (state.init.empty()) continue;
    kept.initial = graph.plan().require(state.init, plan::DType::f32, state.shape).bytes;
  }
  run_.ready();
  reset();
}

std::span<float> OnnxRuntimeInstance::input(std::string_view name) {
  return port_named(inputs_, name, graph_.spec().name, "input").data;
}

std::span<const float> OnnxRuntimeInstance::output(std::string_view name) const {
  return port_named(outputs_, name, graph_.spec().name, "output").data;
}

void OnnxRuntimeInstance::warm() {
  if (!graph_.scratch_bytes()) execute();
  reset();
}

void OnnxRuntimeInstance::reset() {
  run_.reset();
  for (const State& state : states_) {
    if (state.initial.empty()) {
      std::fill(state.first.begin(), state.first.end(), 0.0f);
    } else {
      std::memcpy(state.first.data(), state.initial.data(), state.first.size_bytes());
    }
  }
}

}  // namespace talkrt::nn
