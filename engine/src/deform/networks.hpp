// SPDX-License-Identifier: Apache-2.0
//
// The networks of an avatar that run as kernels, with what is constant of their Gaussians, as the kernels
// take them. Owns its arrays; immutable, shared by sessions.
#pragma once

#include <span>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"
#include "kernels/gaussian/point_network.hpp"

namespace talkrt::deform {

class Networks {
 public:
  /// Of the `deform` entries that have one. The plan reader has validated every tensor that this reads.
  /// Throws OUT_OF_BUDGET.
  Networks(const plan::Plan& plan, device::Budget& budget);

  [[nodiscard]] std::span<const gaussian::PointNetwork> views() const noexcept { return views_; }

 private:
  std::vector<device::Buffer> arrays_;
  std::vector<gaussian::PointNetwork> views_;
};

}  // namespace talkrt::deform
