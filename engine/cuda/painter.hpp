// SPDX-License-Identifier: Apache-2.0
//
// A GPU's two streams, and the graphs that draw.
//
//   draw stream   views in (copy) ─▶ project_bin ─▶ sort_blend │ views in ─▶ ...      one graph a draw
//   copy stream                                                └▶ pictures out        while the next is drawn
//
// Recorded avatars add a few kernels before and after these two, one of each kind for all of a draw. Graphs
// with them are graphs of their own, so that other sessions pay nothing.
//
// What the host writes for a draw lies in one of kUnderWay page-locked slots, so it fills the next one while
// the GPU still reads the last. A slot is free again when its graph has run.
#pragma once

#include <array>

#include "engine/cuda/graphs.hpp"
#include "engine/cuda/ticket.hpp"

namespace talkrt::cuda {

class Painter {
 public:
  struct Bytes {
    std::size_t device = 0, pinned = 0;
  };
  /// Throws std::invalid_argument for a spec that nothing can be drawn with.
  static Bytes measure(const PainterSpec& spec);

  Painter(int device, const PainterSpec& spec, std::byte* device_memory, std::byte* pinned_memory);
  Painter(const Painter&) = delete;
  Painter& operator=(const Painter&) = delete;
  ~Painter();

  void prepare(const gaussian::CudaLimits& limits);
  void draw(const Job* jobs, int count);
  [[nodiscard]] int device() const { return device_; }
  [[nodiscard]] cudaStream_t stream() const { return draw_.get(); }

 private:
  struct Slot {
    std::byte* staging;
    Event drawn;
  };

  void fill(std::byte* staging, const Staging& at, const Job& job, int index) const;
  void fill_avatars(std::byte* staging, const Staging& at, const Job* jobs, int count) const;
  void copy_out(const Job* jobs, int count, cudaEvent_t drawn);

  int device_;
  PainterSpec spec_;
  std::byte* there_;  // the device's copy of a slot
  Stream draw_, copy_;
  std::array<Slot, kUnderWay> slots_;
  Graphs graphs_;
  unsigned long draws_ = 0;
};

}  // namespace talkrt::cuda
