// SPDX-License-Identifier: Apache-2.0
//
// The noise schedule of a motion diffusion model, and what one reverse step does to a window, as three
// numbers. export/vasa1/diffusion.py is the same in Python.
#pragma once

#include <vector>

namespace talkrt::motion {

/// From time t: next = keep * x + clean * x0 + noise * z, with z standard normal.
struct DiffusionStep {
  int t = 0;
  double keep = 0, clean = 0, noise = 0;
};

/// Share of the clean signal's power that is left at each time: index t from 0 (clean) to `steps` (noise).
[[nodiscard]] std::vector<double> cosine_alpha_bars(int steps);

/// `count` (1 to steps) evenly spread times from noise to clean. `eta` 1 draws noise as training assumed,
/// 0 draws none (DDIM).
[[nodiscard]] std::vector<DiffusionStep> reverse_steps(const std::vector<double>& alpha_bars, int count,
                                                       double eta);

}  // namespace talkrt::motion
