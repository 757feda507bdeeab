// SPDX-License-Identifier: Apache-2.0
//
// Memory as the system hands it out.
#pragma once

#include <cstddef>

namespace talkrt::device {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;  // on x86-64 and arm64

[[nodiscard]] std::size_t page_size();

[[nodiscard]] constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Writes to every page now, so that no frame waits for the system to find one. False: there are none left.
[[nodiscard]] bool populate(std::byte* data, std::size_t bytes);

}  // namespace talkrt::device
