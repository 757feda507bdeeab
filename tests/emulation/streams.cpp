// SPDX-License-Identifier: Apache-2.0
#include "tests/emulation/streams.hpp"

#include <cstring>
#include <set>
#include <utility>

#include "tests/emulation/controls.h"
#include "tests/emulation/runtime.hpp"

namespace talkrt::emulation {
namespace {

bool late = false;
std::set<CUstream_st*> streams;
CUstream_st legacy;  // what null stands for

CUstream_st& of(cudaStream_t stream) { return stream != nullptr ? *stream : legacy; }

/// The stream's oldest work. False: there is none.
bool step(CUstream_st& stream) {
  if (stream.waiting.empty()) return false;
  const Work work = std::move(stream.waiting.front());
  stream.waiting.pop_front();
  work();
  return true;
}

void finish(CUstream_st& stream) {
  while (step(stream)) {
  }
}

void finish_until(const Moments& moments, std::uint64_t moment) {
  while (moments.reached < moment && step(*moments.stream)) {
  }
}

void enqueue(CUstream_st& stream, Work work) {
  if (stream.captured != nullptr) {
    stream.captured->work.push_back(std::move(work));
    return;
  }
  stream.waiting.push_back(std::move(work));
  if (!late) finish(stream);
}

}  // namespace

void finish_all() {
  finish(legacy);
  for (CUstream_st* stream : streams) finish(*stream);
}

void forget_all() {
  legacy.waiting.clear();
  for (CUstream_st* stream : streams) stream->waiting.clear();
}

cudaError_t launch(cudaStream_t stream, Work work) {
  return call("cudaLaunchKernelEx", [&] { enqueue(of(stream), std::move(work)); });
}

}  // namespace talkrt::emulation

using namespace talkrt::emulation;

int talkrt_emulation_set_late(int value) {
  int before = 0;
  call_always("talkrt_emulation_set_late", [&] {
    finish_all();
    before = std::exchange(late, value != 0) ? 1 : 0;
  });
  return before;
}

int talkrt_emulation_enqueue(void* stream, void (*work)(void* data), void* data) {
  return launch(static_cast<cudaStream_t>(stream), [=] { work(data); });
}

// The next two return before a device has done them; only a copy to the host is waited for.
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  return call("cudaMemset", [&] { enqueue(legacy, [=] { std::memset(memory, value, bytes); }); });
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return call("cudaMemcpy", [&] {
    if (kind == cudaMemcpyDeviceToHost) {
      finish(legacy);
      std::memcpy(to, from, bytes);
      return;
    }
    const auto* begin = static_cast<const std::byte*>(from);
    enqueue(legacy, [=, held = std::vector<std::byte>(begin, begin + bytes)] {
      std::memcpy(to, held.data(), bytes);
    });
  });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind /*kind*/,
                            cudaStream_t stream) {
  return call("cudaMemcpyAsync", [&] { enqueue(of(stream), [=] { std::memcpy(to, from, bytes); }); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned /*flags*/) {
  return call("cudaStreamCreateWithFlags", [&] {
    *out = std::make_unique<CUstream_st>().release();
    streams.insert(*out);
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call_always("cudaStreamDestroy", [&] {
    finish(*stream);
    streams.erase(stream);
    delete stream;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call("cudaStreamSynchronize", [&] { finish(of(stream)); });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  return call("cudaStreamWaitEvent", [&] {
    enqueue(of(stream), [moments = event->moments, moment = event->moments->recorded] {
      finish_until(*moments, moment);
    });
  });
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode /*mode*/) {
  return call("cudaStreamBeginCapture", [&] { stream->captured = std::make_unique<CUgraph_st>(); });
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  return call_always("cudaStreamEndCapture", [&] { *out = stream->captured.release(); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned /*flags*/) {
  return call("cudaEventCreateWithFlags", [&] { *out = std::make_unique<CUevent_st>().release(); });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call_always("cudaEventDestroy", [&] { delete event; });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call("cudaEventRecord", [&] {
    Moments& moments = *event->moments;
    moments.stream = &of(stream);
    enqueue(of(stream), [held = event->moments, moment = ++moments.recorded] {
      held->reached = moment;
      held->at = std::chrono::steady_clock::now();
    });
  });
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Call here("cudaEventQuery");
  if (here.error != cudaSuccess) return here.error;
  const Moments& moments = *event->moments;
  if (moments.reached == moments.recorded) return cudaSuccess;
  step(*moments.stream);  // whoever asks again and again must come to an end
  return cudaErrorNotReady;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call("cudaEventSynchronize", [&] { finish_until(*event->moments, event->moments->recorded); });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  return call("cudaEventElapsedTime", [&] {
    *ms = std::chrono::duration<float, std::milli>(to->moments->at - from->moments->at).count();
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long /*flags*/) {
  return call("cudaGraphInstantiate",
              [&] { *out = std::make_unique<CUgraphExec_st>(CUgraphExec_st{graph->work}).release(); });
}
cudaError_t cudaGraphUpload(cudaGraphExec_t /*graph*/, cudaStream_t /*stream*/) {
  return call("cudaGraphUpload", [] {});
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  return call("cudaGraphLaunch", [&] {
    for (const Work& work : graph->work) enqueue(of(stream), work);
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call_always("cudaGraphDestroy", [&] { delete graph; });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return call_always("cudaGraphExecDestroy", [&] { delete graph; });
}
