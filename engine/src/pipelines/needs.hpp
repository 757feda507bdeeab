// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/plan/plan.hpp"
#include "engine/src/render/gpu.hpp"

namespace talkrt::pipelines {

/// What loading a plan takes, by its parts, as far as that is known before anything is taken: at least so
/// much. Arguments are those of open_avatar(). Throws BACKEND_MISSING, PLAN_CORRUPT.
std::vector<device::Budget::Line> needs_of(const plan::Plan& plan,
                                           const std::function<nn::Backend&()>& backend,
                                           const render::Gpu* gpu);

}  // namespace talkrt::pipelines
