// SPDX-License-Identifier: Apache-2.0
//
// What moves which keypoint of a portrait renderer's face, as people found by trying: displacements of
// expression keypoints per unit of a slider, in the picture's axes (x right, y down), and emotions made of
// them.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "engine/src/motion/keypoints.hpp"

namespace talkrt::motion {

enum class Slider { blink, brow, smile, wink, open, stretch, round };

/// Adds a slider's displacement.
void slide(Slider slider, float value, Keypoints& expression);

/// Turns the eyes by degrees: yaw + to the own left, pitch + down.
void look(float yaw, float pitch, Keypoints& expression);

/// Moves both lids: 0 leaves them, 1 closes open eyes.
void close_lids(float amount, Keypoints& expression);

/// The eight emotions of every model, in their order.
inline constexpr std::array<std::string_view, 8> kEmotions{"neutral",   "happy",   "sad",       "angry",
                                                           "surprised", "fearful", "disgusted", "contempt"};

/// What an emotion adds to the expression at intensity 1.
[[nodiscard]] Keypoints emotion_offset(std::size_t emotion);

}  // namespace talkrt::motion
