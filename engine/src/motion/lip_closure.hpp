// SPDX-License-Identifier: Apache-2.0
//
// The hard rule that p, b and m close the lips, and the linear gap by which it is judged. The exporter
// trains and measures with the same rule: export/gaussian/speech/lip_rules.py.
#pragma once

#include "engine/src/motion/motion_frame.hpp"

namespace talkrt::motion {

/// Inner lip gap on the midline in millimetres, 0 when the lips touch. Both halves of a pair count half.
[[nodiscard]] float lip_gap_mm(const MotionFrame& frame);

/// How strongly a probability of closure closes the lips, 0 to 1.
[[nodiscard]] float closure_strength(float probability);

/// Draws the lips together by `strength`. At 1 nothing leaves a gap: not the vowel around the closure, not
/// an emotion. At 0 it only keeps mouthClose <= jawOpen, beyond which lips would pass through one another.
void close_lips(MotionFrame& frame, float strength);

}  // namespace talkrt::motion
