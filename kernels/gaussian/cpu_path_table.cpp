// SPDX-License-Identifier: Apache-2.0
//
// Compiled once per instruction set, beside the stages it lists.
#include "kernels/gaussian/cpu_path.hpp"
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {

extern const CpuPath kPath;
const CpuPath kPath = {TALKRT_CPU_PATH_NAME, project,       sort, bin,  blend,  keep,        project_changes,
                       order_changes,        blend_changes, show, move, deform, project_only};

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
