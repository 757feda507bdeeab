// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/tensorrt_instance.hpp"

#include <talkrt/error.hpp>

#include "engine/src/nn/tensorrt_graph.hpp"

namespace talkrt::nn {

TensorRtInstance::TensorRtInstance(const TensorRtGraph& graph, device::Budget* budget, const Ties& ties)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      ports_(graph.plan(), graph.spec(), stream_for(ties, *graph.gpu()), ties, account_),
      activations_(account_, "activations", graph.module().context_bytes(graph.engine()),
                   device::MemoryKind::device, *graph.gpu()) {
  const device::CudaScope scope(*graph.gpu());
  tensorrt::Why why{};
  if (graph.module().create_context(graph.engine(), activations_.data(), activations_.size(), &context_,
                                    &why) != 0) {
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph.spec().name + ": TensorRT: " + why.text);
  }
  try {
    for (const auto ports : {ports_.inputs(), ports_.outputs(), ports_.states(), ports_.written()}) {
      for (const GpuPorts::Port& port : ports) bind(port);
    }
    ports_.reset();
  } catch (...) {
    graph.module().destroy_context(context_);
    throw;
  }
}

TensorRtInstance::~TensorRtInstance() {
  // Where the GPU is lost, what TensorRT holds on the host goes with the process.
  const device::CudaDevice& gpu = *graph_.gpu();
  if (const device::CudaScope scope(gpu, std::nothrow); scope) {
    gpu.table().finish(gpu.index(), ports_.stream().handle(), nullptr);
    graph_.module().destroy_context(context_);
  }
}

void TensorRtInstance::bind(const GpuPorts::Port& port) {
  tensorrt::Why why{};
  if (graph_.module().bind(context_, port.name.c_str(), port.memory, &why) != 0) {
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph_.spec().name + ": TensorRT: " + why.text);
  }
}

void TensorRtInstance::enqueue() {
  ports_.copy_in();
  tensorrt::Why why{};
  if (graph_.module().enqueue(context_, ports_.stream().handle(), &why) != 0) {
    graph_.gpu()->require_alive();
    throw Error(TALKRT_ERROR_BACKEND_FAILED, "graph " + graph_.spec().name + ": TensorRT: " + why.text);
  }
  ports_.copy_out();
  ports_.feed_back();
}

void TensorRtInstance::execute() {
  const device::CudaScope scope(*graph_.gpu());
  ports_.begin();
  // A context has to have run before it may be captured.
  if (ran_ && capturable_ && !captured_) {
    try {
      captured_ = ports_.stream().capture([this] { enqueue(); });
    } catch (const Error& error) {
      if (error.code() == TALKRT_ERROR_DEVICE_LOST) throw;
      capturable_ = false;  // an engine whose layers wait for the host runs without
    }
  }
  if (captured_) {
    ports_.stream().launch(*captured_);
  } else {
    enqueue();
  }
  ports_.end();
  ran_ = true;
}

void TensorRtInstance::warm() {
  if (!ran_) execute();
  if (!captured_) execute();  // which captures
  reset();
}

void TensorRtInstance::reset() {
  const device::CudaScope scope(*graph_.gpu());
  ports_.reset();
}

}  // namespace talkrt::nn
