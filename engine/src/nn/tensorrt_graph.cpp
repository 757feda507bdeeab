// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/tensorrt_graph.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/src/nn/onnx_types.hpp"
#include "engine/src/nn/tensorrt_instance.hpp"

namespace talkrt::nn {
namespace {

tensorrt::WeightType type_of(const plan::TensorView& tensor, const std::string& what) {
  switch (tensor.dtype) {
    case plan::DType::f32:
      return tensorrt::WeightType::f32;
    case plan::DType::f16:
      return tensorrt::WeightType::f16;
    case plan::DType::i32:
      return tensorrt::WeightType::i32;
    case plan::DType::i64:
      return tensorrt::WeightType::i64;
    case plan::DType::i8:
      return tensorrt::WeightType::i8;
    case plan::DType::u8:
      return tensorrt::WeightType::u8;
    default:
      throw Error(TALKRT_ERROR_BACKEND_FAILED,
                  what + " is " + std::string(plan::name_of(tensor.dtype)) + ", which no TensorRT weight is");
  }
}

struct Expected {
  std::string name;
  bool input;
  std::vector<std::int64_t> shape;
};

std::vector<Expected> expected_of(const plan::GraphSpec& spec) {
  std::vector<Expected> out;
  out.reserve(spec.inputs.size() + spec.outputs.size() + 2 * spec.states.size());
  for (const plan::Port& port : spec.inputs) out.push_back({port.name, true, port.shape});
  for (const plan::Port& port : spec.outputs) out.push_back({port.name, false, port.shape});
  for (const plan::State& state : spec.states) {
    out.push_back({state.input, true, state.shape});
    out.push_back({state.output, false, state.shape});
  }
  return out;
}

}  // namespace

tensorrt::Allocator TensorRtMemory::allocator() {
  return {this,
          [](void* user, std::uint64_t bytes) { return static_cast<TensorRtMemory*>(user)->take(bytes); },
          [](void* user, void* memory) { static_cast<TensorRtMemory*>(user)->give(memory); }};
}

void* TensorRtMemory::take(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  try {
    device::Buffer memory(budget_, "weights", bytes, device::MemoryKind::device, gpu_);
    void* const address = memory.data();
    held_.emplace(address, std::move(memory));
    return address;
  } catch (const Error&) {
    refusal_ = std::current_exception();
    return nullptr;
  } catch (const std::bad_alloc&) {
    return nullptr;  // TensorRT says what it could not do
  }
}

void TensorRtMemory::give(void* memory) {
  const std::lock_guard lock(mutex_);
  held_.erase(memory);
}

void TensorRtMemory::rethrow_refusal() {
  const std::lock_guard lock(mutex_);
  if (refusal_) std::rethrow_exception(refusal_);
}

TensorRtGraph::TensorRtGraph(std::shared_ptr<const TensorRtLibrary> library, const device::CudaDevice& gpu,
                             const plan::Plan& plan, const plan::GraphSpec& spec,
                             const plan::EngineSpec& engine, device::Budget* budget)
    : library_(std::move(library)),
      gpu_(gpu),
      plan_(plan),
      spec_(spec),
      account_("graph " + spec.name, 0, budget),
      memory_(gpu, account_),
      allocator_(memory_.allocator()) {
  if (plan::graph_source(plan, spec.name) != engine.source) {
    fail("it was built from another version of the graph; \"talkrt compile " + plan.label() +
         "\" builds it again");
  }
  const device::CudaScope scope(gpu_);
  open(engine);
  try {
    if (!engine.refit.empty()) refit(engine);
    verify_ports();
  } catch (...) {
    module().close_engine(engine_);
    throw;
  }
}

TensorRtGraph::~TensorRtGraph() {
  // Where the GPU is lost, what TensorRT holds on the host goes with the process.
  if (const device::CudaScope scope(gpu_, std::nothrow); scope) module().close_engine(engine_);
}

void TensorRtGraph::fail(const std::string& what) const {
  throw Error(TALKRT_ERROR_BACKEND_FAILED,
              plan_.label() + ": the TensorRT engine of graph " + spec_.name + ": " + what);
}

void TensorRtGraph::open(const plan::EngineSpec& engine) {
  const auto bytes = plan_.find(engine.tensor)->bytes;
  tensorrt::Why why{};
  if (module().open_engine(library_->handle(), &allocator_, bytes.data(), bytes.size(), &engine_, &why) == 0)
    return;
  memory_.rethrow_refusal();
  fail(why.text);
}

void TensorRtGraph::refit(const plan::EngineSpec& engine) {
  std::vector<tensorrt::Weight> weights;
  std::vector<std::vector<std::byte>> aligned;  // copies of those that are not
  for (const auto& [name, from] : engine.refit) {
    const plan::TensorView& tensor = *plan_.find(from);  // the plan reader has looked
    const void* data = tensor.bytes.data();
    const std::size_t size = plan::size_of(tensor.dtype);
    if (reinterpret_cast<std::uintptr_t>(data) % size != 0) {
      data = aligned.emplace_back(tensor.bytes.begin(), tensor.bytes.end()).data();
    }
    weights.push_back({name.c_str(), type_of(tensor, "tensor " + from), data,
                       static_cast<std::int64_t>(tensor.bytes.size() / size)});
  }
  tensorrt::Why why{};
  if (module().refit(engine_, weights.data(), static_cast<int>(weights.size()), &why) == 0) return;
  memory_.rethrow_refusal();
  fail(why.text);
}

void TensorRtGraph::verify_ports() const {
  std::vector<Expected> expected = expected_of(spec_);
  for (int i = 0; i < module().port_count(engine_); ++i) {
    tensorrt::Port port{};
    module().port(engine_, i, &port);
    const auto listed = std::find_if(expected.begin(), expected.end(), [&](const Expected& e) {
      return e.name == port.name && e.input == port.input;
    });
    const std::string what = std::string(port.input ? "input" : "output") + " \"" + port.name + "\"";
    if (listed == expected.end()) fail(what + " is not in the manifest");
    const std::span<const std::int64_t> shape(port.shape, static_cast<std::size_t>(port.rank));
    if (!port.plain_f32 ||
        !std::equal(shape.begin(), shape.end(), listed->shape.begin(), listed->shape.end())) {
      fail(what + " is " + (port.plain_f32 ? "" : "no plain ") + describe(plan::DType::f32, shape) +
           ", expected " + describe(plan::DType::f32, listed->shape));
    }
    expected.erase(listed);
  }
  if (!expected.empty()) {
    fail((expected.front().input ? "input \"" : "output \"") + expected.front().name + "\" is absent");
  }
}

std::unique_ptr<Instance> TensorRtGraph::instance(device::Budget* budget, const Ties& ties) const {
  return std::make_unique<TensorRtInstance>(*this, budget, ties);
}

}  // namespace talkrt::nn
