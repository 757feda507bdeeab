// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/gpu_ports.hpp"

#include <algorithm>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/nn/named_ports.hpp"

namespace talkrt::nn {
namespace {

constexpr std::size_t kAlign = 256;  // TensorRT's for addresses

std::size_t padded(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

/// Where the output of a link lies, if that is on this GPU.
std::optional<DeviceOutput> beside(const Link& link, const device::CudaDevice& gpu) {
  std::optional<DeviceOutput> out = link.from->device_output(link.output);
  if (out && &out->stream->gpu() != &gpu) out.reset();
  return out;
}

}  // namespace

RunsOn stream_for(const Ties& ties, const device::CudaDevice& gpu) {
  for (const Link& link : ties.links) {
    if (const auto output = beside(link, gpu); output && output->exclusive) return {output->stream, true};
  }
  return {std::make_shared<const device::CudaStream>(gpu), true};
}

GpuPorts::GpuPorts(const plan::Plan& plan, const plan::GraphSpec& spec, RunsOn on, const Ties& ties,
                   device::Budget& budget)
    : plan_(plan), spec_(spec), on_(std::move(on)), done_(on_.stream->gpu()) {
  for (const plan::Port& port : spec.inputs) place_input(port, ties);
  outputs_at_ = end_;
  place_outputs(ties);
  states_at_ = end_;
  for (const plan::State& state : spec.states) place(states_, state.input, state.shape);
  written_at_ = end_;
  for (const plan::State& state : spec.states) place(written_, state.output, state.shape);
  for (const plan::Port& port : spec.inputs) place_shared(port, ties);

  const device::CudaDevice& gpu = on_.stream->gpu();
  pinned_ = device::Buffer(budget, "inputs and outputs", kept_at_, device::MemoryKind::pinned, gpu);
  memory_ = device::Buffer(budget, "inputs, outputs and states", end_, device::MemoryKind::device, gpu);
  for (auto* ports : {&inputs_, &outputs_, &states_, &written_}) {
    for (Port& port : *ports) {
      if (port.memory == nullptr) port.memory = memory_.data() + port.at;
    }
  }
}

void GpuPorts::place(std::vector<Port>& ports, const std::string& name, std::span<const std::int64_t> shape) {
  ports.push_back({name, shape, end_, floats_of(shape) * sizeof(float)});
  end_ += padded(ports.back().bytes);
}

void GpuPorts::read_in_place(const plan::Port& port, std::span<const float> data) {
  auto* memory = const_cast<float*>(data.data());  // a graph never writes to its inputs
  inputs_.push_back({port.name, port.shape, 0, data.size_bytes(), reinterpret_cast<std::byte*>(memory)});
}

void GpuPorts::place_input(const plan::Port& port, const Ties& ties) {
  if (named(ties.shared, port.name) != nullptr) return;
  const Link* link = named(ties.links, port.name);
  if (link == nullptr) {
    place(inputs_, port.name, port.shape);
    own_.push_back(inputs_.back());
    return;
  }
  if (const auto output = beside(*link, on_.stream->gpu())) {
    require_floats(graph(), port, output->data.size());
    read_in_place(port, output->data);
    if (output->stream != on_.stream) foreign_.push_back(*output);
    return;
  }
  const std::span<const float> from = link->from->output(link->output);
  require_floats(graph(), port, from.size());
  place(inputs_, port.name, port.shape);
  carried_.push_back({from, inputs_.back().at});
}

void GpuPorts::place_outputs(const Ties& ties) {
  const auto kept = [&](const plan::Port& port) {
    return std::find(ties.unread.begin(), ties.unread.end(), port.name) != ties.unread.end();
  };
  for (const plan::Port& port : spec_.outputs) {
    if (!kept(port)) place(outputs_, port.name, port.shape);
  }
  read_ = outputs_.size();
  kept_at_ = end_;
  for (const plan::Port& port : spec_.outputs) {
    if (kept(port)) place(outputs_, port.name, port.shape);
  }
}

void GpuPorts::place_shared(const plan::Port& port, const Ties& ties) {
  const Shared* given = named(ties.shared, port.name);
  if (given == nullptr) return;
  require_floats(graph(), port, given->data.size());
  if (given->gpu == &on_.stream->gpu()) return read_in_place(port, given->data);
  place(inputs_, port.name, port.shape);
  shared_.push_back({given->data, inputs_.back().at});
}

std::span<float> GpuPorts::input(std::string_view name) {
  const Port& port = port_named(own_, name, graph(), "input");
  if (std::exchange(running_, false)) done_.wait();
  return {reinterpret_cast<float*>(pinned_.data() + port.at), port.bytes / sizeof(float)};
}

std::span<const float> GpuPorts::output(std::string_view name) const {
  const Port& port = port_named(std::span(outputs_).first(read_), name, graph(), "output");
  return {reinterpret_cast<const float*>(pinned_.data() + port.at), port.bytes / sizeof(float)};
}

DeviceOutput GpuPorts::device_output(std::string_view name) const {
  const Port& port = port_named(outputs_, name, graph(), "output");
  return {{reinterpret_cast<const float*>(port.memory), port.bytes / sizeof(float)},
          on_.stream,
          on_.exclusive,
          &done_};
}

void GpuPorts::begin() {
  if (!carried_.empty() && std::exchange(running_, false)) done_.wait();
  for (const FromHost& input : carried_) {
    std::copy(input.data.begin(), input.data.end(), reinterpret_cast<float*>(pinned_.data() + input.at));
  }
  for (const DeviceOutput& output : foreign_) stream().wait_for(*output.written);
}

void GpuPorts::copy_in() const { stream().copy(memory_.data(), pinned_.data(), outputs_at_); }

void GpuPorts::copy_out() const {
  stream().copy(pinned_.data() + outputs_at_, memory_.data() + outputs_at_, kept_at_ - outputs_at_);
}

void GpuPorts::feed_back() const {
  stream().copy(memory_.data() + states_at_, memory_.data() + written_at_, written_at_ - states_at_);
}

void GpuPorts::end() {
  running_ = true;
  stream().mark(done_);
  for (const DeviceOutput& output : foreign_) output.stream->wait_for(done_);
  if (read_ == 0) return;
  done_.wait();
  running_ = false;
}

void GpuPorts::reset() const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const plan::State& state = spec_.states[i];
    const Port& port = states_[i];
    const std::vector<float> zeros(state.init.empty() ? port.bytes / sizeof(float) : 0);
    const void* from = zeros.data();
    if (!state.init.empty()) {
      from = plan_.require(state.init, plan::DType::f32, state.shape).bytes.data();
    }
    stream().copy(port.memory, from, port.bytes);
    stream().finish();
  }
  for (const FromHost& input : shared_) {
    stream().copy(memory_.data() + input.at, input.data.data(), input.data.size_bytes());
  }
  stream().finish();
}

}  // namespace talkrt::nn
