// SPDX-License-Identifier: Apache-2.0
//
// The names of everything that can drive a rig, as export/FORMAT.md section 4 lists them.
#pragma once

#include <string_view>

namespace talkrt::plan {

/// One of the 52 ARKit coefficients, 0 to 1.
bool is_coefficient(std::string_view channel);
/// A coefficient, or one of the pose channels: headPitch, eyeYaw, breath, ...
bool is_channel(std::string_view channel);

}  // namespace talkrt::plan
