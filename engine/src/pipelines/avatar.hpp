// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/src/pipelines/pipeline.hpp"

namespace talkrt::pipelines {

/// An avatar that TalkingGaussian or GaussianTalker trained: networks move its Gaussians, a recording gives
/// the camera, the eyes and the torso.
/// `gpu` may be null, and draws where all networks are kernels.
std::unique_ptr<Avatar> open_recorded(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                      const render::Gpu* gpu);

/// The graphs that a frame runs, beside those that they read: of a network that is a kernel, only those that
/// make its mix.
std::vector<std::string> graphs_of(const plan::AvatarSpec& avatar);

}  // namespace talkrt::pipelines
