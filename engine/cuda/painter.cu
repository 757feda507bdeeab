// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "engine/cuda/check_job.hpp"
#include "engine/cuda/painter.hpp"

namespace talkrt::cuda {
namespace {

using gaussian::CudaAvatar;
using gaussian::CudaView;

std::size_t slot_bytes(const PainterSpec& spec) {
  check_spec(spec);
  DrawSize most;
  most.pose = pose_floats(spec.max_shapes, spec.max_joints);
  most.avatar.takes_in = true;
  return Staging(most, spec.views).bytes;
}

std::array<std::byte*, kUnderWay> slots_in(std::byte* memory, const PainterSpec& spec) {
  std::array<std::byte*, kUnderWay> out{};
  for (std::size_t i = 0; i < kUnderWay; ++i) out[i] = memory + i * slot_bytes(spec);
  return out;
}

}  // namespace

Painter::Bytes Painter::measure(const PainterSpec& spec) {
  const std::size_t one = slot_bytes(spec);
  return {one, one * kUnderWay};
}

Painter::Painter(int device, const PainterSpec& spec, std::byte* device_memory, std::byte* pinned_memory)
    : device_(device),
      spec_(spec),
      there_(device_memory),
      draw_(make_stream()),
      copy_(make_stream()),
      graphs_(device, spec.views, device_memory, slots_in(pinned_memory, spec)) {
  require(device_memory != nullptr && pinned_memory != nullptr, "a painter was given no memory");
  const auto at = slots_in(pinned_memory, spec);
  for (std::size_t i = 0; i < kUnderWay; ++i) slots_[i] = {at[i], make_event(cudaEventBlockingSync)};
}

/// Nothing that runs may lose its memory.
Painter::~Painter() {
  cudaStreamSynchronize(draw_.get());
  cudaStreamSynchronize(copy_.get());
}

void Painter::prepare(const gaussian::CudaLimits& limits) {
  require(limits.shapes >= 0 && limits.shapes <= spec_.max_shapes && limits.joints >= 0 &&
              limits.joints <= spec_.max_joints,
          "a rig has more shapes or joints than its painter was made for");
  graphs_.prepare({gaussian::grid_of(limits), pose_floats(limits.shapes, limits.joints), limits.avatar},
                  pose_floats(spec_.max_shapes, spec_.max_joints));
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
    view.pose = {reinterpret_cast<const float*>(there_ + weights_at),
                 reinterpret_cast<const float*>(there_ + joints_at)};
  }
  std::memcpy(staging + i * sizeof(CudaView), &view, sizeof view);
}

void Painter::fill_avatars(std::byte* staging, const Staging& at, const Job* jobs, int count) const {
  gaussian::CudaAvatars all{reinterpret_cast<const CudaAvatar*>(there_ + at.avatar)};
  for (int i = 0; i < count; ++i) {
    if (!DrawSize::of(jobs[i]).avatar.any()) continue;
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
  DrawSize wanted;
  for (int i = 0; i < count; ++i) {
    check_job(jobs[i], spec_);
    wanted = wanted.with(DrawSize::of(jobs[i]));
  }
  const Graphs::Made& made = graphs_.of(wanted);
  const int views = graphs_.views_for(count);
  const std::size_t turn = draws_ % kUnderWay;
  const Slot& slot = slots_[turn];
  wait_for(slot.drawn.get());  // of three draws before
  const Staging at(made.size, views);
  for (int i = 0; i < count; ++i) fill(slot.staging, at, jobs[i], i);
  if (made.size.avatar.any()) fill_avatars(slot.staging, at, jobs, count);
  // A view that is not drawn has no Gaussians and no tiles: its blocks of threads leave at once.
  std::memset(slot.staging + static_cast<std::size_t>(count) * sizeof(CudaView), 0,
              static_cast<std::size_t>(views - count) * sizeof(CudaView));
  ++draws_;
  check(cudaGraphLaunch(Graphs::pick(made, count, turn), draw_.get()), "launching a graph");
  check(cudaEventRecord(slot.drawn.get(), draw_.get()), "marking a draw's end");
  copy_out(jobs, count, slot.drawn.get());
}

}  // namespace talkrt::cuda
