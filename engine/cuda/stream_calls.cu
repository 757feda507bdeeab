// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/guarded.hpp"
#include "engine/cuda/stream_calls.hpp"
#include "engine/cuda/ticket.hpp"

namespace talkrt::cuda {

class Captured {
 public:
  Captured(int device, GraphExec ready) : device_(device), ready_(std::move(ready)) {}
  [[nodiscard]] int device() const { return device_; }
  [[nodiscard]] cudaGraphExec_t ready() const { return ready_.get(); }

 private:
  int device_;
  GraphExec ready_;
};

int enter(int device, void** before, Why* why) {
  return guarded(why, [&] {
    CurrentDevice here(device);
    check(here.error(), "choosing the device");
    *before = here.stay();
  });
}

void leave(void* before) { CurrentDevice::go_back(static_cast<CUcontext>(before)); }

int create_stream(int device, CUstream_st** out, Why* why) {
  *out = nullptr;
  return on_device(device, why, [&] { *out = make_stream().release(); });
}

void destroy_stream(int device, CUstream_st* stream) {
  if (stream == nullptr) return;
  const CurrentDevice here(device);
  cudaStreamSynchronize(stream);
  cudaStreamDestroy(stream);
}

int copy(int device, CUstream_st* stream, void* to, const void* from, std::uint64_t bytes, Why* why) {
  if (bytes == 0) return 0;
  return on_device(device, why,
                   [&] { check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "copying"); });
}

int record(Ticket* ticket, CUstream_st* stream, Why* why) {
  return on_device(ticket->device(), why, [&] { ticket->record(stream); });
}

int finish(int device, CUstream_st* stream, Why* why) {
  return on_device(device, why, [&] { check(cudaStreamSynchronize(stream), "running"); });
}

int begin_capture(int device, CUstream_st* stream, Why* why) {
  return on_device(device, why, [&] {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning a capture");
  });
}

/// Whatever fails: a stream that goes on capturing does nothing more, and says nothing.
int end_capture(int device, CUstream_st* stream, Captured** out, Why* why) {
  return guarded(why, [&] {
    const CurrentDevice here(device);
    cudaGraph_t made = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream, &made);
    const Graph graph(made);
    check(here.error(), "choosing the device");
    if (out == nullptr) return;
    *out = nullptr;
    check(error, "ending a capture");
    cudaGraphExec_t ready = nullptr;
    check(cudaGraphInstantiate(&ready, graph.get(), 0), "making a graph of a capture");
    *out = new Captured(device, GraphExec(ready));
  });
}

int launch(Captured* captured, CUstream_st* stream, Why* why) {
  return on_device(captured->device(), why,
                   [&] { check(cudaGraphLaunch(captured->ready(), stream), "launching a graph"); });
}

void destroy_captured(Captured* captured) {
  if (captured == nullptr) return;
  const CurrentDevice here(captured->device());
  delete captured;
}

int compose(int device, CUstream_st* stream, const image::CudaPortrait* portrait, Why* why) {
  return on_device(device, why, [&] {
    check(static_cast<cudaError_t>(image::compose_portrait_cuda(*portrait, stream)), "composing a portrait");
  });
}

}  // namespace talkrt::cuda
