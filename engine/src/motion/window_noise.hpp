// SPDX-License-Identifier: Apache-2.0
//
// Normal noise that any runtime can repeat: each number follows from the seed and its index alone.
// export/vasa1/noise.py is the same in Python.
#pragma once

#include <cstdint>
#include <span>

namespace talkrt::motion {

/// Numbers for one denoising step of a window; step 0 is what windows start from.
void window_noise(std::uint64_t seed, std::int64_t window, int step, std::span<float> out);

}  // namespace talkrt::motion
