// SPDX-License-Identifier: Apache-2.0
//
// The graphs of a painter: made and sent to the GPU before anything is drawn by them. One for each size that
// was prepared for, each of 1, 2, 4, ... views and each slot that the views are copied from.
#pragma once

#include <array>
#include <vector>

#include "engine/cuda/draw_size.hpp"
#include "engine/cuda/handles.hpp"

namespace talkrt::cuda {

class Graphs {
 public:
  /// Draws have at most `views`, which are copied from a slot to `there`, on the GPU.
  Graphs(int device, int views, std::byte* there, const std::array<std::byte*, kUnderWay>& slots);

  /// `pose_limit`: the most that any view has.
  void prepare(const DrawSize& wanted, int pose_limit);

  struct Made {
    DrawSize size;
    std::vector<GraphExec> ready;  // [buckets, kUnderWay]
  };
  /// The smallest that serve such a draw. Throws std::invalid_argument when none do.
  [[nodiscard]] const Made& of(const DrawSize& wanted) const;
  /// For how many views the graph of so many is.
  [[nodiscard]] int views_for(int count) const;
  [[nodiscard]] static cudaGraphExec_t pick(const Made& made, int count, std::size_t slot);

 private:
  void add_unless_there(const DrawSize& size);
  void add(const DrawSize& size);
  [[nodiscard]] Graph capture(cudaStream_t stream, const DrawSize& size, int views,
                              const std::byte* slot) const;

  int views_;
  bool overlap_;
  gaussian::CudaPlaces places_;
  std::byte* there_;
  std::array<std::byte*, kUnderWay> slots_;
  std::vector<Made> made_;
  DrawSize largest_, largest_without_avatars_;
};

}  // namespace talkrt::cuda
