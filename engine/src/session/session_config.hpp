// SPDX-License-Identifier: Apache-2.0
//
// The host's wishes for a session, checked and completed from the plan.
#pragma once

#include <talkrt/talkrt.h>

#include "engine/src/pipelines/pipeline.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::session {

struct CheckedConfig {
  pipelines::SessionSpec spec;
  int frame_slots = 0;
  std::int64_t audio_capacity = 0;  // samples
};

[[nodiscard]] talkrt_session_config default_session_config();

/// Throws INVALID_ARGUMENT with the field, its value and what was expected. The result borrows the
/// background picture.
[[nodiscard]] CheckedConfig check_config(const talkrt_session_config& config, const plan::Manifest& manifest);

}  // namespace talkrt::session
