// SPDX-License-Identifier: Apache-2.0
//
// What a GPU is told for a frame of a recorded avatar: one piece of memory, written by the host into one of a
// few page-locked slots and copied by the draw. And the Gaussians that it is told about: a session's own
// where they move, the model's where they do not.
#pragma once

#include <array>

#include "engine/src/deform/cuda_networks.hpp"
#include "engine/src/deform/mover.hpp"
#include "engine/src/render/gpu.hpp"
#include "engine/src/render/track_backdrop.hpp"
#include "kernels/gaussian/track_cuda.hpp"

namespace talkrt::render {

class RecordedUpload {
 public:
  /// `rest` are the model's Gaussians on the GPU. All must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY,
  /// DEVICE_LOST.
  RecordedUpload(const deform::Mover& mover, const deform::CudaNetworks& networks,
                 const gaussian::Splats& rest, const TrackPicture& picture, const Gpu& gpu,
                 device::Budget& budget);

  /// Where the GPU finds them after the draw's kernels have moved them.
  [[nodiscard]] const gaussian::Splats& posed() const noexcept { return posed_; }
  /// One frame's, on the GPU; null without any.
  [[nodiscard]] const std::uint8_t* torso() const noexcept;

  /// Writes the next slot and says in `out` what to copy and which networks to run: those of a frame that
  /// `moved`, and with `torso` (a frame of the track, or -1) another torso. The last four slots stay as they
  /// are, so the draws under way read what they were told.
  void fill(const gaussian::CudaTrack& track, bool moved, int torso, cuda::Recorded& out);

 private:
  /// In the order in which frames may do without the end of it.
  struct Layout {
    std::size_t track = 0, layers = 0, attention = 0, inputs = 0, moved = 0, torso = 0, bytes = 0;
    Layout(const deform::CudaNetworks& networks, std::size_t moved_bytes, std::size_t torso_bytes);
  };

  void place_moved_by_graphs(const gaussian::Splats& host);
  void place_moved_by_networks(const gaussian::Splats& host, const Gpu& gpu, device::Budget& budget);
  void write_networks(std::byte* to, cuda::Recorded& out) const;
  void write_moved(std::byte* to) const;

  const deform::Mover* mover_;
  const deform::CudaNetworks* networks_;
  TrackPicture picture_;
  Layout layout_;
  gaussian::Splats rest_, posed_;
  gaussian::PosedSplats out_;
  device::Buffer frame_;                            // on the GPU
  device::Buffer means_, frames_, opacities_, sh_;  // there, too: of what networks move
  // One more than draws under way: the oldest has been read when it is written again.
  std::array<device::Buffer, cuda::kUnderWay + 1> slots_;
  std::size_t turn_ = 0;
};

}  // namespace talkrt::render
