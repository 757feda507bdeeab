// SPDX-License-Identifier: Apache-2.0
//
// A rig on the device and the graph that draws it. All memory is taken when it is made.
#pragma once

#include "engine/cuda/memory.hpp"
#include "engine/cuda/module.hpp"

namespace talkrt::cuda {

class Rasterizer {
 public:
  struct Bytes {
    std::size_t rig = 0, scratch = 0, staging = 0, stats = 0;
    [[nodiscard]] std::size_t device() const { return rig + scratch + staging; }
    [[nodiscard]] std::size_t pinned() const { return staging + stats; }
  };
  /// Throws std::invalid_argument for a spec that cannot be drawn.
  static Bytes measure(const RasterizerSpec& spec);

  Rasterizer(int device, const RasterizerSpec& spec);
  Rasterizer(const Rasterizer&) = delete;
  Rasterizer& operator=(const Rasterizer&) = delete;
  ~Rasterizer();

  void draw(const RasterizerView* views, int count);
  void wait(gaussian::CudaStats* stats);
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }

 private:
  void upload(const gaussian::RigView& rig);
  void capture();
  void fill(const RasterizerView& view, int index);

  int device_;
  RasterizerSpec spec_;  // rig: the device's arrays
  Bytes bytes_;
  bool overlap_ = false, drawing_ = false;
  DeviceMemory rig_, scratch_, staging_;
  PinnedMemory pinned_staging_, pinned_stats_;
  Stream stream_;
  GraphExec graph_;
};

}  // namespace talkrt::cuda
