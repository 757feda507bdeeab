// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_gpu_instance.hpp"

#include <talkrt/error.hpp>

#include "engine/src/nn/onnxruntime_graph.hpp"

namespace talkrt::nn {

OnnxRuntimeGpuInstance::OnnxRuntimeGpuInstance(const OnnxRuntimeGraph& graph, device::Budget* budget,
                                               const Ties& ties)
    : graph_(graph),
      account_("graph " + graph.spec().name, 0, budget),
      ports_(graph.plan(), graph.spec(), {graph.cuda()->stream(), false}, ties, account_),
      run_(graph, account_) {
  for (const GpuPorts::Port& port : ports_.inputs()) run_.input(port.name, port.shape, port.memory);
  for (const GpuPorts::Port& port : ports_.outputs()) run_.output(port.name, port.shape, port.memory);
  for (std::size_t i = 0; i < ports_.states().size(); ++i) {
    const GpuPorts::Port& state = ports_.states()[i];
    run_.state(state.shape, {state.memory, ports_.written()[i].memory});
  }
  run_.ready();
  reset();
}

void OnnxRuntimeGpuInstance::execute() {
  const device::CudaScope scope(*graph_.gpu());
  ports_.begin();
  {
    const auto turn = graph_.turn();
    ports_.copy_in();
    try {
      run_.run();
    } catch (const Error& error) {
      if (error.code() == TALKRT_ERROR_BACKEND_FAILED) graph_.gpu()->require_alive();
      throw;
    }
    ports_.copy_out();
  }
  ports_.end();
}

void OnnxRuntimeGpuInstance::warm() {
  if (!graph_.scratch_bytes()) execute();
  reset();
}

void OnnxRuntimeGpuInstance::reset() {
  run_.reset();
  ports_.reset();
}

}  // namespace talkrt::nn
