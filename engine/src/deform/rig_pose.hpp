// SPDX-License-Identifier: Apache-2.0
//
// Channel values to what a rig needs for one frame: a weight for each shape, a matrix for each joint. The
// maths is export/FORMAT.md section 4.
#pragma once

#include <span>
#include <vector>

#include "engine/src/plan/manifest.hpp"

namespace talkrt::deform {

/// out [shapes]: products of piecewise-linear functions of the channels.
void shape_weights(const std::vector<plan::Shape>& shapes, std::span<const float> channels,
                   std::span<float> out);

/// out [joints, 12]: row-major 3x4, rest pose to posed, in the head's frame.
void joint_matrices(const std::vector<plan::Joint>& joints, std::span<const float> channels,
                    std::span<float> out);

}  // namespace talkrt::deform
