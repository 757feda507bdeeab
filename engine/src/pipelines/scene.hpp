// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/src/pipelines/pipeline.hpp"

namespace talkrt::pipelines {

/// Gaussians that stand still, drawn from whatever camera is asked for.
std::unique_ptr<Avatar> open_scene(const plan::Plan& plan, device::Budget& budget, const render::Gpu* gpu);

}  // namespace talkrt::pipelines
