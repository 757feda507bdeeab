// SPDX-License-Identifier: Apache-2.0
//
// Gaussians, and what puts them where they are in a frame: a rig in a pose, or networks.
#pragma once

#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::render {

struct Figure {
  const gaussian::RigView* rig = nullptr;  // in `pose`; else `rest`, as `movement` moves it
  gaussian::Pose pose{};
  const gaussian::Splats* rest = nullptr;
  gaussian::Movement movement{};

  [[nodiscard]] const gaussian::Splats& splats() const noexcept { return rig != nullptr ? rig->rest : *rest; }
};

}  // namespace talkrt::render
