// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/resident.hpp"

#include <fstream>

#include "engine/src/device/pages.hpp"

namespace talkrt::device {

std::optional<std::uint64_t> resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t whole = 0, resident = 0;
  if (!(file >> whole >> resident)) return std::nullopt;
  return resident * page_size();
}

}  // namespace talkrt::device
