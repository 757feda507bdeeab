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
#include <vector>

#include "engine/cuda/handles.hpp"
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
  /// Of a view, at most: what graphs are made for.
  struct Size {
    gaussian::CudaGrid grid;
    int pose = 0;  // floats
    gaussian::CudaAvatarLimits avatar;
  };
  struct Graphs {
    Size size;
    std::vector<GraphExec> ready;  // [buckets, kUnderWay]
  };
  /// What is copied to the device for a draw: all views; where there are avatars, a gaussian::CudaAvatars and
  /// what it lists; then each view's weights and joints.
  struct Staging {
    std::size_t avatars, avatar, poses, pose, bytes;  // where parts begin; bytes of one pose, and of all
    Staging(const Size& size, int views);
  };

  static int pose_floats(int shapes, int joints);
  static bool covers(const Size& size, const Size& wanted);
  static Size larger(const Size& a, const Size& b);
  static Size needed(const Job& job);
  [[nodiscard]] bool has(const Size& size) const;
  void add_unless_there(const Size& size);
  void add(const Size& size);
  [[nodiscard]] Graph capture(cudaStream_t stream, const Size& size, int views,
                              const std::byte* staging) const;
  [[nodiscard]] const Graphs& graphs_for(const Job* jobs, int count) const;
  void fill(std::byte* staging, const Staging& at, const Job& job, int index) const;
  void fill_avatars(std::byte* staging, const Staging& at, const Job* jobs, int count) const;
  void copy_out(const Job* jobs, int count, cudaEvent_t drawn);

  int device_;
  PainterSpec spec_;
  bool overlap_;
  gaussian::CudaPlaces places_;
  std::byte* staging_;  // the device's
  Stream draw_, copy_;
  std::array<Slot, kUnderWay> slots_;
  std::vector<Graphs> graphs_;
  Size largest_, largest_without_avatars_;
  unsigned long draws_ = 0;
};

}  // namespace talkrt::cuda
