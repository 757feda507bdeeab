// SPDX-License-Identifier: Apache-2.0
//
// The networks of an avatar that run as kernels, with what is constant of their Gaussians, as the kernels
// take them. Owns its arrays; immutable, shared by sessions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/src/deform/network_tensors.hpp"
#include "kernels/gaussian/attention_network.hpp"
#include "kernels/gaussian/point_network.hpp"

namespace talkrt::deform {

class Networks {
 public:
  /// A network's sizes, without its arrays.
  [[nodiscard]] static gaussian::PointNetwork shape_of(const plan::Deform& deform,
                                                       const plan::DeformNetwork& network);
  [[nodiscard]] static gaussian::AttentionNetwork shape_of(const plan::Deform& deform,
                                                           const plan::AttentionNetwork& network);
  /// What the constructor takes of the host's memory.
  [[nodiscard]] static std::uint64_t bytes(const plan::Plan& plan);

  /// Of the `deform` entries that have one. The plan reader has validated every tensor that this reads.
  /// Throws OUT_OF_BUDGET.
  Networks(const plan::Plan& plan, device::Budget& budget);

  /// Of kind `layers` and `attention`, in the order of the plan.
  [[nodiscard]] std::span<const gaussian::PointNetwork> layered() const noexcept { return layered_; }
  [[nodiscard]] std::span<const gaussian::AttentionNetwork> attending() const noexcept { return attending_; }

 private:
  gaussian::PointNetwork layered(const plan::Deform& deform, const NetworkTensors& tensors);
  gaussian::AttentionNetwork attending(const plan::Deform& deform, const NetworkTensors& tensors);
  const float* keep(device::Buffer buffer);
  template <class View>
  void keep_shapes(const plan::Deform& deform, bool quats, bool scales, const NetworkTensors& tensors,
                   View& view);

  std::vector<device::Buffer> arrays_;
  std::vector<gaussian::PointNetwork> layered_;
  std::vector<gaussian::AttentionNetwork> attending_;
};

}  // namespace talkrt::deform
