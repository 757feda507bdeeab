// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/face_composition.hpp"

#include "engine/src/motion/face_sliders.hpp"

namespace talkrt::motion {

Keypoints composed(const SourceFace& source, const FaceMotion& first, const FaceMotion& now,
                   const talkrt_controls& controls, const Keypoints& emotion) {
  Keypoints expression{};
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const float change = now.expression[i] - first.expression[i];
    expression[i] = source.expression[i] + controls.expression_scale * change;
  }
  for (const int lip : kLips) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::size_t i = static_cast<std::size_t>(3 * lip) + axis;
      const float own = source.expression[i];
      // Not own + 1 (now - own), which rounds.
      expression[i] = controls.expression_scale == 1.0f
                          ? now.expression[i]
                          : own + controls.expression_scale * (now.expression[i] - own);
    }
  }
  for (std::size_t i = 0; i < expression.size(); ++i) expression[i] += emotion[i];
  look(controls.gaze_yaw, controls.gaze_pitch, expression);
  close_lids(controls.blink, expression);

  // The generator's yaw turns to the own right and its roll lowers the own left ear; the controls' are
  // opposite.
  const std::array<float, 3> added{controls.head_pitch, -controls.head_yaw, -controls.head_roll};
  std::array<float, 3> angles{}, translation{};
  for (std::size_t i = 0; i < 3; ++i) {
    angles[i] = first.angles[i] + controls.head_motion * (now.angles[i] - first.angles[i]) + added[i];
    translation[i] =
        source.translation[i] + controls.head_motion * (now.translation[i] - first.translation[i]);
  }
  const Rotation R =
      product(product(rotation_of(angles), transposed(rotation_of(first.angles))), source.rotation);
  const float grown = 1 + controls.head_motion * (now.scale / first.scale - 1);
  return transformed(source.canonical, R, expression, source.scale * grown / controls.head_distance,
                     translation);
}

}  // namespace talkrt::motion
