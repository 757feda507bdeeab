// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace talkrt::device {

std::size_t page_size() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

bool populate(std::byte* data, std::size_t bytes) {
#if defined(MADV_POPULATE_WRITE)
  if (madvise(data, bytes, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;  // those two: a system older than Linux 5.14
#endif
  for (std::size_t at = 0; at < bytes; at += page_size()) {
    *static_cast<volatile std::byte*>(data + at) = std::byte{0};
  }
  return true;
}

}  // namespace talkrt::device
