// SPDX-License-Identifier: Apache-2.0
//
// The camera of a plan, for another picture size and another distance.
#pragma once

#include <array>

#include "engine/src/plan/manifest.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::render {

/// Keeps the vertical field of view: a taller picture is finer, a wider one shows more at its sides, a
/// narrower one less. The principal point keeps its place relative to the centre, in units of the height.
[[nodiscard]] gaussian::Camera scaled_camera(const plan::Manifest& manifest, int width, int height);

/// Moves the camera along its axis until the head's origin is `distance` times as deep as in `camera`.
[[nodiscard]] gaussian::Camera dollied(gaussian::Camera camera, float distance);

/// Turns what `camera` sees about `pivot`, in the world: Rz(roll) Ry(yaw) Rx(pitch) in degrees, as a head
/// turns (export/FORMAT.md, section 4).
void turn_about(gaussian::Camera& camera, const std::array<float, 3>& pivot, float yaw, float pitch,
                float roll);

}  // namespace talkrt::render
