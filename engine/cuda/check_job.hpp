// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/cuda/module.hpp"

namespace talkrt::cuda {

/// Throws std::invalid_argument(what) unless it holds.
void require(bool holds, const char* what);

/// Throws the same for a spec, or a job, that nothing can be drawn with.
void check_spec(const PainterSpec& spec);
void check_job(const Job& job, const PainterSpec& spec);

}  // namespace talkrt::cuda
