// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/src/pipelines/pipeline.hpp"

namespace talkrt::pipelines {

/// One portrait and a voice: diffusion makes the motion of keypoints, a renderer warps the portrait by them.
/// `threads` work on a graph; `gpu` composes frames, or is null.
std::unique_ptr<Avatar> open_vasa1(const plan::Plan& plan, nn::Backend& backend, device::Budget& budget,
                                   int threads, const render::Gpu* gpu);

}  // namespace talkrt::pipelines
