// SPDX-License-Identifier: Apache-2.0
//
// The CPU quota that the control groups of this process impose.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace talkrt::device {

/// Cores as a fraction (1.5 = one and a half), the smallest along the group's ancestors; nothing when there
/// is no limit. `membership` is the text of /proc/self/cgroup, `mount` is where the hierarchies are mounted
/// (/sys/fs/cgroup). Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us, cpu.cfs_period_us).
std::optional<double> cgroup_cores(std::string_view membership, const std::filesystem::path& mount);

}  // namespace talkrt::device
