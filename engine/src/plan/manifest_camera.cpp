// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "engine/src/plan/camera_rules.hpp"
#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::plan {
namespace {

constexpr float kUnitTolerance = 1e-3f;

}  // namespace

Camera read_camera(const Node& node, float reach) {
  Camera out;
  const Node viewmat = node.at("viewmat"), K = node.at("K");
  out.viewmat = viewmat.numbers<16>(-reach, reach);
  if (const auto fault = fault_of_viewmat(out.viewmat)) viewmat.refuse(fault->found, fault->expected);
  out.K = K.numbers<9>(-kLargestFocus, kLargestFocus);
  if (const auto fault = fault_of_intrinsics(out.K)) K.refuse(fault->found, fault->expected);
  return out;
}

View read_view(const Node& node, float reach) {
  View out;
  out.target = node.at("target").numbers<3>(-reach, reach);
  const Node up = node.at("up");
  out.up = up.numbers<3>(-2, 2);
  const float length = std::hypot(out.up[0], out.up[1], out.up[2]);
  if (!(std::abs(length - 1) <= kUnitTolerance)) {
    up.refuse("of length " + described(length), "a direction of unit length");
  }
  return out;
}

}  // namespace talkrt::plan
