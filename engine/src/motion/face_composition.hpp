// SPDX-License-Identifier: Apache-2.0
//
// A portrait's keypoints under generated motion and a host's controls.
#pragma once

#include <talkrt/talkrt.h>

#include "engine/src/motion/keypoints.hpp"

namespace talkrt::motion {

/// Motion is relative to `first`, the stream's first frame, but for the lips, which are as generated.
///
///   head_yaw, head_pitch, head_roll  degrees added to the generated head's
///   head_distance                    divides the face's size
///   head_motion                      scales how far the head goes from where it was first
///   expression_scale                 scales how far the expression goes from the portrait's own
///   gaze, blink                      displacements of face_sliders.hpp
///
/// `emotion` is added to the expression as it is.
[[nodiscard]] Keypoints composed(const SourceFace& source, const FaceMotion& first, const FaceMotion& now,
                                 const talkrt_controls& controls, const Keypoints& emotion);

}  // namespace talkrt::motion
