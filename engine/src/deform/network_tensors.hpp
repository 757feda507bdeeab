// SPDX-License-Identifier: Apache-2.0
//
// Tensors of a deform entry's network as float arrays that kernels take.
#pragma once

#include <string>

#include "engine/src/device/budget.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::deform {

class NetworkTensors {
 public:
  /// What it points at must outlive it. The plan reader has validated every tensor that is asked for.
  NetworkTensors(const plan::Plan& plan, device::Budget& budget) : plan_(plan), budget_(budget) {}

  /// A tensor's numbers in the order of the file, halves widened. Throws OUT_OF_BUDGET.
  device::Buffer floats(const std::string& name) const;
  /// A matrix [inputs, outputs] as gaussian::pack_weights() lays it.
  device::Buffer packed(const std::string& name) const;
  /// Rows [first, first + count) of a tensor [N, channels] or [N] in blocks; padding repeats the last row.
  device::Buffer blocks(const std::string& name, int first, int count) const;

 private:
  device::Buffer room(std::size_t floats) const;

  const plan::Plan& plan_;
  device::Budget& budget_;
};

}  // namespace talkrt::deform
