// SPDX-License-Identifier: Apache-2.0
//
// What a host asks to be drawn, checked.
#pragma once

#include <talkrt/talkrt.h>

#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::session {

/// A side of a picture in pixels, or `of_plan` for 0. All three throw INVALID_ARGUMENT with the field, its
/// value and what was expected.
[[nodiscard]] int side_of(const char* field, std::int32_t value, int of_plan);
[[nodiscard]] gaussian::Camera checked_camera(const talkrt_camera& camera);
[[nodiscard]] gaussian::Target checked_target(const talkrt_view& view, const talkrt_camera& camera);

}  // namespace talkrt::session
