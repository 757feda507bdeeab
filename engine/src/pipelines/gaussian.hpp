// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/src/pipelines/pipeline.hpp"

namespace talkrt::pipelines {

/// A rigged Gaussian avatar: a small network turns speech into coefficients, a rig poses the splats.
/// `gpu` draws it, unless it is null.
std::unique_ptr<Avatar> open_gaussian(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                      const render::Gpu* gpu);

}  // namespace talkrt::pipelines
