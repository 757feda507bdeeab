// SPDX-License-Identifier: Apache-2.0
//
// The host's wishes for a session, checked and completed from the plan.
#pragma once

#include <talkrt/talkrt.h>

#include "engine/src/pipelines/pipeline.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::session {

inline constexpr int kMaxFramesAhead = 2;

struct CheckedConfig {
  pipelines::SessionSpec spec;
  int frame_slots = 0;
  bool frames_on_host = true;  // false: in the GPU's memory
  talkrt_pixel_format format = TALKRT_PIXELS_RGBA8;
  int frames_ahead = 0;
  std::int64_t audio_capacity = 0;  // samples
};

[[nodiscard]] talkrt_session_config default_session_config();

/// Throws INVALID_ARGUMENT with the field, its value and what was expected. The result borrows the
/// background picture. `on_gpu`: whether a GPU will draw.
[[nodiscard]] CheckedConfig check_config(const talkrt_session_config& config, const plan::Manifest& manifest,
                                         bool on_gpu = false);

}  // namespace talkrt::session
