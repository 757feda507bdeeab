// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/src/device/thread_pool.hpp"

namespace talkrt::device {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<double> number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(value)) return std::nullopt;  // also "max"
  return value;
}

std::optional<double> quotient(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;  // version 1 says -1 for none
  return *quota / *period;
}

std::optional<double> quota_in(const fs::path& group) {
  const std::string both = read_text(group / "cpu.max");  // "150000 100000" or "max 100000"
  if (const auto space = both.find(' '); space != std::string::npos) {
    return quotient(number(both.substr(0, space)), number(both.substr(space + 1)));
  }
  return quotient(number(read_text(group / "cpu.cfs_quota_us")),
                  number(read_text(group / "cpu.cfs_period_us")));
}

/// "cpu" among "cpu,cpuacct"; version 2 lists no controllers.
bool governs_cpu(std::string_view controllers) {
  if (controllers.empty()) return true;
  while (true) {
    const auto comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

int affinity_cores() {
  // The kernel's mask may be larger than cpu_set_t's 1024 CPUs: EINVAL says so.
  for (int cpus = CPU_SETSIZE; cpus <= (1 << 18); cpus *= 2) {
    std::vector<unsigned long> mask(static_cast<std::size_t>(cpus) / (8 * sizeof(unsigned long)));
    auto* set = reinterpret_cast<cpu_set_t*>(mask.data());
    const std::size_t bytes = mask.size() * sizeof(unsigned long);
    if (sched_getaffinity(0, bytes, set) == 0) return CPU_COUNT_S(bytes, set);
  }
  return 1;
}

}  // namespace

std::optional<double> cgroup_cores(std::string_view membership, const fs::path& mount) {
  std::optional<double> least;
  while (!membership.empty()) {
    const auto newline = membership.find('\n');
    const std::string_view line = membership.substr(0, newline);  // "4:cpu,cpuacct:/a/b" or "0::/a/b"
    membership.remove_prefix(newline == std::string_view::npos ? membership.size() : newline + 1);
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    if (!governs_cpu(controllers)) continue;

    // Inside a container the group's own path is often not visible; the mount's root then is its group.
    std::vector<fs::path> roots;
    if (controllers.empty()) {
      roots = {mount, mount / "unified"};
    } else {
      roots = {mount / controllers, mount / "cpu"};
    }
    for (const fs::path& root : roots) {
      fs::path group = root / fs::path(line.substr(second + 1)).relative_path();
      while (true) {
        if (const auto cores = quota_in(group)) least = std::min(least.value_or(*cores), *cores);
        if (group == root || group.native().size() <= root.native().size()) break;
        group = group.parent_path();
      }
    }
  }
  return least;
}

int usable_cores() {
  const auto quota = cgroup_cores(read_text("/proc/self/cgroup"), "/sys/fs/cgroup");
  const int cores = affinity_cores();
  if (!quota) return std::max(cores, 1);
  // Rounded up: a worker that is throttled now and then still finishes a frame sooner than no worker.
  return std::clamp(static_cast<int>(std::ceil(std::min(*quota, 1e6))), 1, std::max(cores, 1));
}

}  // namespace talkrt::device
