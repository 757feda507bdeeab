// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "engine/cuda/rasterizer.hpp"

namespace talkrt::cuda {
namespace {

using gaussian::CudaLimits;
using gaussian::CudaScratch;
using gaussian::CudaStats;
using gaussian::CudaView;
using gaussian::kBlock;
using gaussian::RigView;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

CudaLimits limits_of(const RasterizerSpec& spec) {
  return {spec.rig.rest.count, spec.width, spec.height, spec.bin_capacity};
}

/// Calls visit(pointer member, bytes) for every array of the rig, the same way for counting and for copying.
template <class Visit>
void for_each_array(RigView& rig, bool posed, std::size_t entries, Visit&& visit) {
  const auto blocks = static_cast<std::size_t>(gaussian::blocks_of(rig.rest.count));
  const auto bases = static_cast<std::size_t>(gaussian::sh_bases(rig.rest.sh_degree));
  visit(rig.rest.means, blocks * 3 * kBlock * sizeof(float));
  visit(rig.rest.frames, blocks * 9 * kBlock * sizeof(float));
  visit(rig.rest.opacities, blocks * kBlock * sizeof(float));
  visit(rig.rest.sh, blocks * 3 * bases * kBlock * sizeof(float));
  if (rig.rest.layers != nullptr) visit(rig.rest.layers, blocks * kBlock);
  if (!posed) return;
  visit(rig.block_entries, (blocks + 1) * sizeof(std::uint32_t));
  visit(rig.entry_shapes, entries * sizeof(std::uint16_t));
  visit(rig.deltas, entries * gaussian::kDeltaChannels * kBlock * sizeof(std::uint16_t));
  visit(rig.joint_weights, blocks * static_cast<std::size_t>(rig.joints) * kBlock * sizeof(std::uint16_t));
  visit(rig.joint_masks, blocks * sizeof(std::uint16_t));
}

std::size_t entries_of(const RasterizerSpec& spec) {
  return spec.posed ? spec.rig.block_entries[gaussian::blocks_of(spec.rig.rest.count)] : 0;
}

/// What is copied to the device for every draw: all views, then each view's weights and joints.
struct Staging {
  std::size_t weights, joints, bytes;

  explicit Staging(const RasterizerSpec& spec) {
    const auto views = static_cast<std::size_t>(spec.views);
    weights = aligned(views * sizeof(CudaView));
    joints = weights + aligned(views * static_cast<std::size_t>(spec.rig.shapes) * sizeof(float));
    bytes = joints + aligned(views * static_cast<std::size_t>(spec.rig.joints) * 12 * sizeof(float));
  }
};

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

}  // namespace

Rasterizer::Bytes Rasterizer::measure(const RasterizerSpec& spec) {
  require(spec.views >= 1 && spec.views <= 4096, "views of a rasterizer: expected 1 to 4096");
  require(spec.rig.rest.count >= 0, "Gaussians of a rasterizer: expected 0 or more");
  require(!spec.posed || (spec.rig.joints >= 1 && spec.rig.joints <= gaussian::kMaxJoints),
          "joints of a rig: expected 1 to 16");
  Bytes out;
  RigView rig = spec.rig;
  for_each_array(rig, spec.posed, entries_of(spec),
                 [&](auto*&, std::size_t bytes) { out.rig += aligned(bytes); });
  const std::size_t one = lay_out_cuda_scratch(limits_of(spec), nullptr).bytes;
  out.scratch = one * static_cast<std::size_t>(spec.views);
  out.staging = Staging(spec).bytes;
  out.stats = aligned(static_cast<std::size_t>(spec.views) * sizeof(CudaStats));
  return out;
}

Rasterizer::Rasterizer(int device, const RasterizerSpec& spec)
    : device_(device), spec_(spec), bytes_(measure(spec)) {
  check(cudaSetDevice(device), "choosing the device");
  int major = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "asking for its capability");
  overlap_ = major >= 9;
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  stream_.reset(stream);
  rig_ = device_memory(bytes_.rig);
  scratch_ = device_memory(bytes_.scratch);
  staging_ = device_memory(bytes_.staging);
  pinned_staging_ = pinned_memory(bytes_.staging);
  pinned_stats_ = pinned_memory(bytes_.stats);
  std::memset(pinned_staging_.get(), 0, bytes_.staging);
  upload(spec.rig);
  capture();
}

Rasterizer::~Rasterizer() {
  cudaSetDevice(device_);
  cudaStreamSynchronize(stream_.get());  // nothing that runs may lose its memory
}

void Rasterizer::upload(const RigView& rig) {
  const std::size_t entries = entries_of(spec_);  // while spec_ still has the host's arrays
  spec_.rig = rig;
  std::size_t at = 0;
  for_each_array(spec_.rig, spec_.posed, entries, [&]<class T>(const T*& array, std::size_t bytes) {
    if (bytes != 0)
      check(cudaMemcpy(rig_.get() + at, array, bytes, cudaMemcpyHostToDevice), "copying the rig");
    array = reinterpret_cast<const T*>(rig_.get() + at);
    at += aligned(bytes);
  });
}

/// A view that is not drawn has no Gaussians and no tiles: its blocks of threads leave at once.
void Rasterizer::capture() {
  check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "beginning to capture the graph");
  check(cudaMemcpyAsync(staging_.get(), pinned_staging_.get(), bytes_.staging, cudaMemcpyHostToDevice,
                        stream()),
        "capturing the copy in");
  check(static_cast<cudaError_t>(rasterize_cuda(reinterpret_cast<const CudaView*>(staging_.get()),
                                                spec_.views, limits_of(spec_), overlap_, stream())),
        "capturing the kernels");
  const std::size_t step = bytes_.scratch / static_cast<std::size_t>(spec_.views);
  const CudaScratch first = lay_out_cuda_scratch(limits_of(spec_), scratch_.get());
  check(cudaMemcpy2DAsync(pinned_stats_.get(), sizeof(CudaStats), first.stats, step, sizeof(CudaStats),
                          static_cast<std::size_t>(spec_.views), cudaMemcpyDeviceToHost, stream()),
        "capturing the copy of the counts");
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(stream(), &captured), "ending the capture");
  const Graph graph(captured);
  cudaGraphExec_t ready = nullptr;
  check(cudaGraphInstantiate(&ready, captured, 0), "making the graph ready");
  graph_.reset(ready);
}

void Rasterizer::fill(const RasterizerView& view, int index) {
  const Staging at(spec_);
  const auto i = static_cast<std::size_t>(index), shapes = static_cast<std::size_t>(spec_.rig.shapes),
             joints = static_cast<std::size_t>(spec_.rig.joints) * 12;
  const std::size_t weights_at = at.weights + i * shapes * sizeof(float),
                    joints_at = at.joints + i * joints * sizeof(float);
  CudaView out;
  out.rig = spec_.rig;
  if (spec_.posed) {
    std::memcpy(pinned_staging_.get() + weights_at, view.pose.shape_weights, shapes * sizeof(float));
    std::memcpy(pinned_staging_.get() + joints_at, view.pose.joint_matrices, joints * sizeof(float));
    out.pose = {reinterpret_cast<const float*>(staging_.get() + weights_at),
                reinterpret_cast<const float*>(staging_.get() + joints_at)};
  }
  out.camera = prepare_cuda_camera(view.camera, spec_.options);
  out.background = view.background;
  out.target = view.target;
  const std::size_t step = bytes_.scratch / static_cast<std::size_t>(spec_.views);
  out.scratch = lay_out_cuda_scratch(limits_of(spec_), scratch_.get() + i * step);
  out.bin_capacity = spec_.bin_capacity;
  std::memcpy(pinned_staging_.get() + i * sizeof(CudaView), &out, sizeof out);
}

void Rasterizer::draw(const RasterizerView* views, int count) {
  require(!drawing_, "draw() before wait(): the last pictures are not there yet");
  require(count >= 1 && count <= spec_.views, "pictures of a draw: expected 1 to the rasterizer's views");
  for (int i = 0; i < count; ++i) {
    require(views[i].camera.width <= spec_.width && views[i].camera.height <= spec_.height,
            "a picture is larger than the rasterizer was made for");
    fill(views[i], i);
  }
  std::memset(pinned_staging_.get() + static_cast<std::size_t>(count) * sizeof(CudaView), 0,
              static_cast<std::size_t>(spec_.views - count) * sizeof(CudaView));
  check(cudaSetDevice(device_), "choosing the device");
  check(cudaGraphLaunch(graph_.get(), stream()), "launching the graph");
  drawing_ = true;
}

void Rasterizer::wait(CudaStats* stats) {
  check(cudaStreamSynchronize(stream()), "drawing");
  drawing_ = false;
  if (stats != nullptr) {
    std::memcpy(stats, pinned_stats_.get(), static_cast<std::size_t>(spec_.views) * sizeof(CudaStats));
  }
}

}  // namespace talkrt::cuda
