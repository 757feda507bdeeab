// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/cuda/painter.hpp"

namespace talkrt::cuda {
namespace {

using gaussian::CudaAvatar;
using gaussian::CudaGrid;
using gaussian::CudaView;

constexpr int kMaxViews = 4096;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

/// Graphs are made for 1, 2, 4, ... views, and for as many as a draw can have.
int bucket_of(int count) {
  int bucket = 0;
  while ((1 << bucket) < count) ++bucket;
  return bucket;
}

int views_of(int bucket, const PainterSpec& spec) { return std::min(1 << bucket, spec.views); }

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

bool on_16_bytes(const void* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; }

void check_recorded(const Recorded& recorded) {
  require(on_16_bytes(recorded.in.from) && on_16_bytes(recorded.in.to),
          "what an avatar's frame copies in: expected to begin on 16 bytes");
  require(recorded.layers_count >= 0 && recorded.attention_count >= 0 &&
              (recorded.layers_count == 0 || recorded.layers != nullptr) &&
              (recorded.attention_count == 0 || recorded.attention != nullptr),
          "networks of an avatar's frame: expected as many as are counted");
  require((recorded.layers_count == 0 || recorded.layers_rows > 0) &&
              (recorded.attention_count == 0 || recorded.attention_rows > 0),
          "rows of an avatar's networks: expected what move_rows_of() says");
  require(recorded.track != nullptr || (!recorded.composes && !recorded.lays_under),
          "an avatar's frame composes what is behind it and has no track");
}

void check_job(const Job& job, const PainterSpec& spec) {
  const gaussian::RigView& rig = job.view.rig;
  require(rig.rest.count >= 0 && job.view.camera.tiles_x >= 0 && job.view.camera.tiles_y >= 0,
          "a job's view: expected no negative sizes");
  require(job.view.bin_capacity >= 1 && job.view.bin_capacity <= gaussian::kMaxBinCapacity,
          "bin_capacity of a job: expected 1 to 2048");
  require(job.copy_count >= 0 && job.copy_count <= kMaxCopies, "copies of a job: expected 0 to 4");
  if (job.recorded != nullptr) check_recorded(*job.recorded);
  if (job.joint_matrices == nullptr) return;
  require(rig.shapes >= 0 && rig.shapes <= spec.max_shapes,
          "a rig has more shapes than its painter was made for");
  require(rig.joints >= 1 && rig.joints <= spec.max_joints,
          "a rig has more joints than its painter was made for");
  require(rig.shapes == 0 || job.shape_weights != nullptr, "a job with joints has no weights for its shapes");
}

void check_launch(int error) { check(static_cast<cudaError_t>(error), "capturing the kernels"); }

}  // namespace

Painter::Staging::Staging(const Size& size, int views)
    : avatars(aligned(static_cast<std::size_t>(views) * sizeof(CudaView))),
      avatar(avatars + aligned(sizeof(gaussian::CudaAvatars))),
      poses(size.avatar.any() ? avatar + aligned(static_cast<std::size_t>(views) * sizeof(CudaAvatar))
                              : avatars),
      pose(static_cast<std::size_t>(size.pose) * sizeof(float)),
      bytes(aligned(poses + static_cast<std::size_t>(views) * pose)) {}

/// Joints begin on 16 bytes.
int Painter::pose_floats(int shapes, int joints) { return (shapes + 3) / 4 * 4 + joints * 12; }

bool Painter::covers(const Size& size, const Size& wanted) {
  return size.grid.groups >= wanted.grid.groups && size.grid.tiles >= wanted.grid.tiles &&
         size.pose >= wanted.pose && size.avatar.covers(wanted.avatar);
}

Painter::Size Painter::larger(const Size& a, const Size& b) {
  return {{std::max(a.grid.groups, b.grid.groups), std::max(a.grid.tiles, b.grid.tiles)},
          std::max(a.pose, b.pose),
          a.avatar.with(b.avatar)};
}

Painter::Bytes Painter::measure(const PainterSpec& spec) {
  require(spec.views >= 1 && spec.views <= kMaxViews, "views of a painter: expected 1 to 4096");
  require(spec.max_shapes >= 0 && spec.max_shapes <= 65536, "shapes of a painter: expected 0 to 65536");
  require(spec.max_joints >= 0 && spec.max_joints <= gaussian::kMaxJoints,
          "joints of a painter: expected 0 to 16");
  Size most;
  most.pose = pose_floats(spec.max_shapes, spec.max_joints);
  most.avatar.takes_in = true;
  const std::size_t one = Staging(most, spec.views).bytes;
  return {one, one * kUnderWay};
}

Painter::Painter(int device, const PainterSpec& spec, std::byte* device_memory, std::byte* pinned_memory)
    : device_(device), spec_(spec), staging_(device_memory), draw_(make_stream()), copy_(make_stream()) {
  const std::size_t step = measure(spec).device;
  require(device_memory != nullptr && pinned_memory != nullptr, "a painter was given no memory");
  overlap_ = attribute(cudaDevAttrComputeCapabilityMajor, device, "asking for its capability") >= 9;
  places_ = {attribute(cudaDevAttrMultiProcessorCount, device, "asking for its multiprocessors"),
             static_cast<std::size_t>(
                 attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device, "asking for its shared memory"))};
  for (std::size_t i = 0; i < kUnderWay; ++i) {
    slots_[i] = {pinned_memory + i * step, make_event(cudaEventBlockingSync)};
  }
}

/// Nothing that runs may lose its memory.
Painter::~Painter() {
  cudaStreamSynchronize(draw_.get());
  cudaStreamSynchronize(copy_.get());
}

bool Painter::has(const Size& size) const {
  return std::any_of(graphs_.begin(), graphs_.end(),
                     [&](const Graphs& g) { return covers(g.size, size) && covers(size, g.size); });
}

/// A draw of several views needs the graphs of the largest in every respect; they are there, too, and of the
/// largest of those that are no avatars.
void Painter::prepare(const gaussian::CudaLimits& limits) {
  require(limits.shapes >= 0 && limits.shapes <= spec_.max_shapes && limits.joints >= 0 &&
              limits.joints <= spec_.max_joints,
          "a rig has more shapes or joints than its painter was made for");
  const CudaGrid exact = gaussian::grid_of(limits);
  const int most = pose_floats(spec_.max_shapes, spec_.max_joints);
  const Size size{{rounded(exact.groups), rounded(exact.tiles)},
                  std::min(rounded(pose_floats(limits.shapes, limits.joints)), most),
                  limits.avatar};
  const Size largest = larger(largest_, size);
  add_unless_there(size);
  add_unless_there(largest);
  largest_ = largest;
  if (size.avatar.any()) return;
  const Size without = larger(largest_without_avatars_, size);
  add_unless_there(without);
  largest_without_avatars_ = without;
}

void Painter::add_unless_there(const Size& size) {
  if (!has(size)) add(size);
}

void Painter::add(const Size& size) {
  Graphs made{size, {}};
  const Stream stream = make_stream();
  for (int bucket = 0; bucket <= bucket_of(spec_.views); ++bucket) {
    for (const Slot& slot : slots_) {
      const Graph graph = capture(stream.get(), size, views_of(bucket, spec_), slot.staging);
      cudaGraphExec_t ready = nullptr;
      check(cudaGraphInstantiate(&ready, graph.get(), 0), "making a graph ready");
      made.ready.emplace_back(ready);
      check(cudaGraphUpload(ready, stream.get()), "taking a graph to the GPU");
    }
  }
  check(cudaStreamSynchronize(stream.get()), "taking graphs to the GPU");
  graphs_.push_back(std::move(made));
}

Graph Painter::capture(cudaStream_t stream, const Size& size, int views, const std::byte* staging) const {
  Capture captured(stream);
  const Staging at(size, views);
  const auto* there = reinterpret_cast<const CudaView*>(staging_);
  const auto* avatars = reinterpret_cast<const gaussian::CudaAvatars*>(staging_ + at.avatars);
  check(cudaMemcpyAsync(staging_, staging, at.bytes, cudaMemcpyHostToDevice, stream),
        "capturing the copy in");
  check_launch(before_views_cuda(avatars, size.avatar, places_, stream));
  check_launch(rasterize_cuda(there, views, size.grid, overlap_, stream));
  check_launch(after_views_cuda(there, avatars, size.avatar, places_, stream));
  return captured.end();
}

Painter::Size Painter::needed(const Job& job) {
  const CudaView& view = job.view;
  Size out{{gaussian::groups_of_threads(view.rig.rest.count), view.camera.tiles_x * view.camera.tiles_y},
           job.joint_matrices != nullptr ? pose_floats(view.rig.shapes, view.rig.joints) : 0,
           {}};
  out.avatar.grows = view.target.light != nullptr;
  if (const Recorded* recorded = job.recorded) {
    if (recorded->layers_count > 0) out.avatar.layers_rows = recorded->layers_rows;
    if (recorded->attention_count > 0) out.avatar.attention_rows = recorded->attention_rows;
    out.avatar.takes_in = recorded->in.bytes > 0;
    out.avatar.composes = recorded->composes;
    out.avatar.lays_under = recorded->lays_under;
  }
  return out;
}

const Painter::Graphs& Painter::graphs_for(const Job* jobs, int count) const {
  Size wanted;
  for (int i = 0; i < count; ++i) wanted = larger(wanted, needed(jobs[i]));
  const Graphs* best = nullptr;
  for (const Graphs& graphs : graphs_) {
    if (!covers(graphs.size, wanted)) continue;
    if (best == nullptr || covers(best->size, graphs.size)) best = &graphs;
  }
  require(best != nullptr, "a view is larger than all that its painter was prepared for");
  return *best;
}

void Painter::fill(std::byte* staging, const Staging& at, const Job& job, int index) const {
  const auto i = static_cast<std::size_t>(index);
  CudaView view = job.view;
  view.pose = {};
  if (job.joint_matrices != nullptr) {
    const std::size_t weights_at = at.poses + i * at.pose,
                      joints_at = weights_at +
                                  static_cast<std::size_t>(pose_floats(view.rig.shapes, 0)) * sizeof(float);
    const auto shapes = static_cast<std::size_t>(view.rig.shapes),
               joints = static_cast<std::size_t>(view.rig.joints) * 12;
    if (shapes != 0) std::memcpy(staging + weights_at, job.shape_weights, shapes * sizeof(float));
    std::memcpy(staging + joints_at, job.joint_matrices, joints * sizeof(float));
    view.pose = {reinterpret_cast<const float*>(staging_ + weights_at),
                 reinterpret_cast<const float*>(staging_ + joints_at)};
  }
  std::memcpy(staging + i * sizeof(CudaView), &view, sizeof view);
}

void Painter::fill_avatars(std::byte* staging, const Staging& at, const Job* jobs, int count) const {
  gaussian::CudaAvatars all{reinterpret_cast<const CudaAvatar*>(staging_ + at.avatar)};
  for (int i = 0; i < count; ++i) {
    if (!needed(jobs[i]).avatar.any()) continue;
    CudaAvatar avatar;
    if (const Recorded* recorded = jobs[i].recorded) {
      avatar = {recorded->in.from,   recorded->in.to,        recorded->in.bytes,        recorded->layers,
                recorded->attention, recorded->layers_count, recorded->attention_count, recorded->track,
                recorded->composes,  recorded->lays_under};
    }
    avatar.view = i;
    std::memcpy(staging + at.avatar + static_cast<std::size_t>(all.count++) * sizeof avatar, &avatar,
                sizeof avatar);
  }
  std::memcpy(staging + at.avatars, &all, sizeof all);
}

void Painter::copy_out(const Job* jobs, int count, cudaEvent_t drawn) {
  if (std::any_of(jobs, jobs + count, [](const Job& job) { return job.copy_count > 0; })) {
    check(cudaStreamWaitEvent(copy_.get(), drawn, 0), "letting copies wait for pictures");
  }
  for (int i = 0; i < count; ++i) {
    const Job& job = jobs[i];
    for (int c = 0; c < job.copy_count; ++c) {
      const Copy& copy = job.copies[c];
      check(cudaMemcpyAsync(copy.to, copy.from, copy.bytes, cudaMemcpyDeviceToHost, copy_.get()),
            "copying a picture out");
    }
    if (job.done != nullptr) job.done->record(job.copy_count > 0 ? copy_.get() : draw_.get());
  }
}

void Painter::draw(const Job* jobs, int count) {
  require(count >= 1 && count <= spec_.views, "jobs of a draw: expected 1 to the painter's views");
  for (int i = 0; i < count; ++i) check_job(jobs[i], spec_);
  const Graphs& graphs = graphs_for(jobs, count);
  const int bucket = bucket_of(count), views = views_of(bucket, spec_);
  const std::size_t turn = draws_ % kUnderWay;
  const Slot& slot = slots_[turn];
  wait_for(slot.drawn.get());  // of three draws before
  const Staging at(graphs.size, views);
  for (int i = 0; i < count; ++i) fill(slot.staging, at, jobs[i], i);
  if (graphs.size.avatar.any()) fill_avatars(slot.staging, at, jobs, count);
  // A view that is not drawn has no Gaussians and no tiles: its blocks of threads leave at once.
  std::memset(slot.staging + static_cast<std::size_t>(count) * sizeof(CudaView), 0,
              static_cast<std::size_t>(views - count) * sizeof(CudaView));
  ++draws_;
  check(cudaGraphLaunch(graphs.ready[static_cast<std::size_t>(bucket) * kUnderWay + turn].get(), draw_.get()),
        "launching a graph");
  check(cudaEventRecord(slot.drawn.get(), draw_.get()), "marking a draw's end");
  copy_out(jobs, count, slot.drawn.get());
}

}  // namespace talkrt::cuda
