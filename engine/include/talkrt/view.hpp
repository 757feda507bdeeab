// SPDX-License-Identifier: Apache-2.0
//
// A camera of the host's, and where the picture that it sees goes: the caller's memory.
#pragma once

#include <talkrt/talkrt.h>

namespace talkrt {

struct Camera : talkrt_camera {
  Camera() : talkrt_camera{} { talkrt_camera_init(this); }
};

struct View : talkrt_view {
  View() : talkrt_view{} { talkrt_view_init(this); }
};

}  // namespace talkrt
