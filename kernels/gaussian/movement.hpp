// SPDX-License-Identifier: Apache-2.0
//
// What networks do to the Gaussians of an avatar in one frame.
#pragma once

#include "kernels/executor.hpp"
#include "kernels/gaussian/attention_network.hpp"
#include "kernels/gaussian/deform.hpp"
#include "kernels/gaussian/point_network.hpp"

namespace talkrt::gaussian {

/// An avatar's networks and their inputs, of each kind ascending, all in blocks of their own; Gaussians of
/// none stay.
struct Movement {
  const PointNetwork* networks = nullptr;  // [count]
  const NetworkInput* inputs = nullptr;    // [count]
  int count = 0;
  const AttentionNetwork* attentions = nullptr;      // [attention_count]
  const AttentionInput* attention_inputs = nullptr;  // [attention_count]
  int attention_count = 0;
};

/// Moves a whole avatar into arrays, for whoever wants to look at it more than once: of `out` what networks
/// move; the rest is left alone. Without attention networks, opacities and sh may be null.
void move_cpu(const Splats& rest, const Movement& movement, const PosedSplats& out, Executor& executor);

}  // namespace talkrt::gaussian
