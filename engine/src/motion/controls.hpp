// SPDX-License-Identifier: Apache-2.0
//
// What the host asks of a face, in the record of the C ABI: checked once, then put on top of a frame.
#pragma once

#include <talkrt/talkrt.h>

#include "engine/src/motion/motion_frame.hpp"

namespace talkrt::motion {

[[nodiscard]] talkrt_controls default_controls();

/// Throws INVALID_ARGUMENT with the field, its value and its range; NOT_FOUND for an emotion that is none
/// of `emotions`.
void check_controls(const talkrt_controls& controls, int emotions);

/// Gaze, head and lids, added as they are: a host that wants a smooth turn sends one for every frame.
void apply_controls(const talkrt_controls& controls, MotionFrame& frame);

}  // namespace talkrt::motion
