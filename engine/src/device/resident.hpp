// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace talkrt::device {

/// Bytes of the host's memory that this process has in use, as the system counts them: its own pages and
/// those of files that it maps. Nothing where the system does not say.
[[nodiscard]] std::optional<std::uint64_t> resident_bytes();

/// What the system says that it can still give to programs: without pushing others out, or by swapping.
/// Nothing where it does not say. Limits of a container are not in it.
[[nodiscard]] std::optional<std::uint64_t> available_bytes();

}  // namespace talkrt::device
