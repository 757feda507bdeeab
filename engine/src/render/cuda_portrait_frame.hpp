// SPDX-License-Identifier: Apache-2.0
//
// A network's picture as a frame, composed by a GPU: the twin of PortraitFrame, to the byte. Has two streams
// of its own, so that nobody's Gaussians wait for a network.
//
//   network's stream    picture k ─────────▶ picture k + 1 ...   which waits until k has been read
//   composing stream              └▶ compose k (one kernel)
//   copying stream                      └▶ k to the host's memory
#pragma once

#include <vector>

#include "engine/src/device/cuda_stream.hpp"
#include "engine/src/frame/pixel_target.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/render/portrait_frame.hpp"
#include "kernels/image/paste_cuda.hpp"

namespace talkrt::render {

class CudaPortraitFrame {
 public:
  /// As PortraitFrame's. `gpu` must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  CudaPortraitFrame(int side, int width, int height, const std::optional<PortraitFrame::Place>& place,
                    const device::CudaDevice& gpu, device::Budget& budget, Executor& executor);

  /// `output` of the network is [3, side, side] in [0, 1], on this GPU or on the host; what its last run
  /// made. Tells the GPU and returns. Throws DEVICE_LOST.
  void draw(const nn::Instance& network, std::string_view output, const frame::CudaPicture& out);
  /// That frames are made on; a cudaStream_t.
  [[nodiscard]] CUstream_st* stream() const noexcept { return composing_.handle(); }

 private:
  /// Planes on their way from the host.
  struct Way {
    device::Buffer pinned;
    device::CudaTicket read;
  };
  [[nodiscard]] const float* brought(std::span<const float> planes);

  const device::CudaDevice* gpu_;
  device::Budget* budget_;
  image::CudaPortrait portrait_;
  device::Buffer background_, mask_, planes_;  // the GPU's
  std::vector<Way> ways_;                      // where the network is on the host
  std::size_t turn_ = 0;
  device::CudaStream composing_, copying_;
  device::CudaTicket composed_;
};

}  // namespace talkrt::render
