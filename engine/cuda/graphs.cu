// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "engine/cuda/check_job.hpp"
#include "engine/cuda/graphs.hpp"

namespace talkrt::cuda {
namespace {

/// 1, 2, 4, ... views, and as many as a draw can have.
int bucket_of(int count) {
  int bucket = 0;
  while ((1 << bucket) < count) ++bucket;
  return bucket;
}

/// To four binary digits, so that few graphs serve many sizes; at most an eighth more blocks, which leave
/// at once.
int rounded(int n) {
  int step = 1;
  while (n > 16 * step) step *= 2;
  return (n + step - 1) / step * step;
}

/// A stream whose work is written down instead of done.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning to capture a graph");
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    cudaGraph_t left = nullptr;
    if (stream_ != nullptr) cudaStreamEndCapture(stream_, &left);
    if (left != nullptr) cudaGraphDestroy(left);
  }
  [[nodiscard]] Graph end() {
    cudaGraph_t out = nullptr;
    const cudaError_t error = cudaStreamEndCapture(std::exchange(stream_, nullptr), &out);
    Graph graph(out);
    check(error, "ending a capture");
    return graph;
  }

 private:
  cudaStream_t stream_;
};

int attribute(cudaDeviceAttr which, int device, const char* doing) {
  int out = 0;
  check(cudaDeviceGetAttribute(&out, which, device), doing);
  return out;
}

void check_launch(int error) { check(static_cast<cudaError_t>(error), "capturing the kernels"); }

}  // namespace

Graphs::Graphs(int device, int views, std::byte* there, const std::array<std::byte*, kUnderWay>& slots)
    : views_(views),
      overlap_(attribute(cudaDevAttrComputeCapabilityMajor, device, "asking for its capability") >= 9),
      places_{attribute(cudaDevAttrMultiProcessorCount, device, "asking for its multiprocessors"),
              static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device,
                                                 "asking for its shared memory"))},
      there_(there),
      slots_(slots) {}

/// A draw of several views needs the graphs of the largest in every respect; they are there, too, and of the
/// largest of those that are no avatars.
void Graphs::prepare(const DrawSize& wanted, int pose_limit) {
  const DrawSize size{{rounded(wanted.grid.groups), rounded(wanted.grid.tiles)},
                      std::min(rounded(wanted.pose), pose_limit),
                      wanted.avatar};
  const DrawSize largest = largest_.with(size);
  add_unless_there(size);
  add_unless_there(largest);
  largest_ = largest;
  if (size.avatar.any()) return;
  const DrawSize without = largest_without_avatars_.with(size);
  add_unless_there(without);
  largest_without_avatars_ = without;
}

void Graphs::add_unless_there(const DrawSize& size) {
  const auto same = [&](const Made& made) { return made.size.covers(size) && size.covers(made.size); };
  if (std::none_of(made_.begin(), made_.end(), same)) add(size);
}

void Graphs::add(const DrawSize& size) {
  Made made{size, {}};
  const Stream stream = make_stream();
  for (int bucket = 0; bucket <= bucket_of(views_); ++bucket) {
    for (const std::byte* slot : slots_) {
      const Graph graph = capture(stream.get(), size, views_for(1 << bucket), slot);
      cudaGraphExec_t ready = nullptr;
      check(cudaGraphInstantiate(&ready, graph.get(), 0), "making a graph ready");
      made.ready.emplace_back(ready);
      check(cudaGraphUpload(ready, stream.get()), "taking a graph to the GPU");
    }
  }
  check(cudaStreamSynchronize(stream.get()), "taking graphs to the GPU");
  made_.push_back(std::move(made));
}

Graph Graphs::capture(cudaStream_t stream, const DrawSize& size, int views, const std::byte* slot) const {
  Capture captured(stream);
  const Staging at(size, views);
  const auto* view = reinterpret_cast<const gaussian::CudaView*>(there_);
  const auto* avatars = reinterpret_cast<const gaussian::CudaAvatars*>(there_ + at.avatars);
  check(cudaMemcpyAsync(there_, slot, at.bytes, cudaMemcpyHostToDevice, stream), "capturing the copy in");
  check_launch(before_views_cuda(avatars, size.avatar, places_, stream));
  check_launch(rasterize_cuda(view, views, size.grid, overlap_, stream));
  check_launch(after_views_cuda(view, avatars, size.avatar, places_, stream));
  return captured.end();
}

const Graphs::Made& Graphs::of(const DrawSize& wanted) const {
  const Made* best = nullptr;
  for (const Made& made : made_) {
    if (!made.size.covers(wanted)) continue;
    if (best == nullptr || best->size.covers(made.size)) best = &made;
  }
  require(best != nullptr, "a view is larger than all that its painter was prepared for");
  return *best;
}

int Graphs::views_for(int count) const { return std::min(1 << bucket_of(count), views_); }

cudaGraphExec_t Graphs::pick(const Made& made, int count, std::size_t slot) {
  return made.ready[static_cast<std::size_t>(bucket_of(count)) * kUnderWay + slot].get();
}

}  // namespace talkrt::cuda
