// SPDX-License-Identifier: Apache-2.0
//
// A rig and what the core would hold to draw it by the CUDA module's table.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/cuda/module.hpp"
#include "tests/emulation/controls.h"
#include "tests/kernels/gaussian/cuda_picture.hpp"
#include "tests/kernels/gaussian/random_scene.hpp"

extern "C" const talkrt::cuda::Module* talkrt_cuda_module(std::uint32_t abi);

namespace talkrt::testing {

inline const cuda::Module& module() { return *talkrt_cuda_module(cuda::kModuleAbi); }

struct Refused : std::runtime_error {
  Refused(int number, const cuda::Why& why) : std::runtime_error(why.text), code(number) {}
  int code;
};

/// Throws Refused unless call(why) answers 0.
template <class Call>
void must(Call&& call) {
  cuda::Why why{};
  if (const int code = call(&why)) throw Refused(code, why);
}

/// Memory by the table, given back with it.
class Taken {
 public:
  Taken(cuda::Memory kind, std::size_t bytes) : kind_(kind), bytes_(bytes) {
    must([&](auto* why) { return module().take(0, kind, bytes, &memory_, why); });
  }
  Taken(Taken&& other) noexcept : kind_(other.kind_), bytes_(other.bytes_), memory_(other.memory_) {
    other.memory_ = nullptr;
  }
  Taken& operator=(Taken&&) = delete;
  ~Taken() { module().give(0, kind_, memory_); }
  template <class T = std::byte>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(memory_);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  cuda::Memory kind_;
  std::size_t bytes_;
  void* memory_ = nullptr;
};

struct GpuPainter {
  explicit GpuPainter(const cuda::PainterSpec& wanted) : spec(wanted) {
    must([&](auto* why) { return module().measure_painter(&spec, &device_bytes, &pinned_bytes, why); });
    device.emplace_back(cuda::Memory::device, device_bytes);
    pinned.emplace_back(cuda::Memory::pinned, pinned_bytes);
    must([&](auto* why) {
      return module().create_painter(0, &spec, device[0].as(), pinned[0].as(), &painter, why);
    });
  }
  GpuPainter(const GpuPainter&) = delete;
  GpuPainter& operator=(const GpuPainter&) = delete;
  ~GpuPainter() { module().destroy_painter(painter); }

  void prepare(const gaussian::CudaLimits& limits) {
    must([&](auto* why) { return module().prepare(painter, &limits, why); });
  }
  void draw(const std::vector<cuda::Job>& jobs) {
    must([&](auto* why) { return module().draw(painter, jobs.data(), static_cast<int>(jobs.size()), why); });
  }

  cuda::PainterSpec spec;
  std::uint64_t device_bytes = 0, pinned_bytes = 0;
  std::deque<Taken> device, pinned;
  cuda::Painter* painter = nullptr;
};

/// One avatar: the rig's arrays, scratch and a float frame on the device, the frame's copy in page-locked
/// memory, a ticket.
struct GpuSession {
  Rig rig;
  Scene scene;
  gaussian::CudaLimits limits;
  std::deque<Taken> arrays;
  cuda::Job job;
  float* frame = nullptr;         // the device's
  const float* pixels = nullptr;  // page-locked
  const gaussian::CudaStats* stats = nullptr;

  explicit GpuSession(int count, int width, int height, unsigned seed = 3, int joints = 4, int shapes = 6)
      : rig(random_rig(count, joints, shapes, 1, seed)), limits{count, width, height} {
    scene.camera = plain_camera(width, height);
    scene.camera.viewmat[11] = 4;
    limits.bin_capacity = 256;
    limits.shapes = shapes;
    limits.joints = joints;
    upload();
    const std::size_t bytes = frame_bytes();
    auto& scratch =
        arrays.emplace_back(cuda::Memory::device, gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
    frame = arrays.emplace_back(cuda::Memory::device, bytes).as<float>();
    auto* out = arrays.emplace_back(cuda::Memory::pinned, bytes).as<float>();
    auto* counts =
        arrays.emplace_back(cuda::Memory::pinned, sizeof(gaussian::CudaStats)).as<gaussian::CudaStats>();
    std::fill_n(out, bytes / sizeof(float), -1.0f);
    pixels = out;
    stats = counts;
    job.view.camera = gaussian::prepare_cuda_camera(scene.camera, scene.options);
    job.view.background = scene.background();
    job.view.target.rgba_float = frame;
    job.view.scratch = gaussian::lay_out_cuda_scratch(limits, scratch.as());
    job.view.scratch.stats = counts;
    job.view.bin_capacity = limits.bin_capacity;
    job.shape_weights = rig.weights.data();
    job.joint_matrices = rig.matrices.data();
    job.copies[0] = {frame, out, bytes};
    job.copy_count = 1;
    must([&](auto* why) { return module().create_ticket(0, &job.done, why); });
  }
  GpuSession(const GpuSession&) = delete;
  GpuSession& operator=(const GpuSession&) = delete;
  ~GpuSession() { module().destroy_ticket(job.done); }

  [[nodiscard]] std::size_t frame_bytes() const {
    return static_cast<std::size_t>(limits.width) * limits.height * 4 * sizeof(float);
  }
  void turn(float by) {
    for (float& weight : rig.weights) weight += by;
  }
  void wait() {
    must([&](auto* why) { return module().wait(job.done, why); });
  }
  /// The page-locked pixels, as they are now.
  [[nodiscard]] std::vector<float> picture() const {
    return {pixels, pixels + frame_bytes() / sizeof(float)};
  }
  /// What they must be in the rig's current pose.
  [[nodiscard]] std::vector<float> expected() const { return cuda_render_rig(rig, scene).rgba; }

 private:
  template <class T>
  void upload(const T*& array, std::size_t count) {
    const auto* from = array;
    auto* to = arrays.emplace_back(cuda::Memory::device, count * sizeof(T)).template as<T>();
    must([&](auto* why) { return module().copy_in(0, to, from, count * sizeof(T), why); });
    array = to;
  }
  void upload() {
    gaussian::RigView& view = job.view.rig = rig.view();
    upload(view.rest.means, rig.means.size());
    upload(view.rest.frames, rig.frames.size());
    upload(view.rest.opacities, rig.opacities.size());
    upload(view.rest.sh, rig.sh.size());
    upload(view.block_entries, rig.block_entries.size());
    upload(view.entry_shapes, rig.entry_shapes.size());
    upload(view.deltas, rig.deltas.size());
    upload(view.joint_weights, rig.joint_weights.size());
    upload(view.joint_masks, rig.joint_masks.size());
  }
};

}  // namespace talkrt::testing
