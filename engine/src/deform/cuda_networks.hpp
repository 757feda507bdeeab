// SPDX-License-Identifier: Apache-2.0
//
// The networks of an avatar, with what is constant of their Gaussians, in a GPU's memory: once per model,
// shared by its sessions, immutable.
#pragma once

#include <span>
#include <vector>

#include "engine/src/deform/networks.hpp"
#include "engine/src/device/cuda_device.hpp"

namespace talkrt::deform {

class CudaNetworks {
 public:
  /// What the constructor takes of the GPU's memory.
  [[nodiscard]] static std::uint64_t bytes(const plan::Plan& plan);

  /// Copies what `networks` points at. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  CudaNetworks(const Networks& networks, int sh_degree, const device::CudaDevice& gpu,
               device::Budget& budget);

  /// Pointers into the GPU's memory, in the order of the plan.
  [[nodiscard]] std::span<const gaussian::PointNetwork> layered() const noexcept { return layered_; }
  [[nodiscard]] std::span<const gaussian::AttentionNetwork> attending() const noexcept { return attending_; }

 private:
  std::vector<gaussian::PointNetwork> layered_;
  std::vector<gaussian::AttentionNetwork> attending_;
  device::Buffer memory_;
};

}  // namespace talkrt::deform
