// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/resident.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include "engine/src/device/pages.hpp"

namespace talkrt::device {

std::optional<std::uint64_t> resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t whole = 0, resident = 0;
  if (!(file >> whole >> resident)) return std::nullopt;
  return resident * page_size();
}

std::optional<std::uint64_t> available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::optional<std::uint64_t> available;
  std::uint64_t swap = 0;
  for (std::string line; std::getline(file, line);) {  // "MemAvailable:   19234567 kB"
    std::istringstream words(line);
    std::string name;
    std::uint64_t kib = 0;
    if (!(words >> name >> kib)) continue;
    if (name == "MemAvailable:") available = kib * 1024;
    if (name == "SwapFree:") swap = kib * 1024;
  }
  if (available) *available += swap;
  return available;
}

}  // namespace talkrt::device
