// SPDX-License-Identifier: Apache-2.0
#include "engine/src/features/host_rows.hpp"

#include <stdexcept>

namespace talkrt::features {

HostRows::HostRows(std::size_t row_floats, device::Budget& budget)
    : row_floats_(row_floats),
      memory_(budget, "rows of features", (row_floats + kMostFed) * sizeof(float)),
      capacity_(row_floats + kMostFed) {}

void HostRows::feed(std::span<const float> stream) {
  if (static_cast<std::size_t>(fed_ - taken_) + stream.size() > capacity_) {
    throw std::logic_error("rows of features are fed faster than they are taken");
  }
  const auto ring = memory_.as<float>();
  for (const float value : stream) ring[static_cast<std::size_t>(fed_++) % capacity_] = value;
}

std::int64_t HostRows::ready() const noexcept { return fed_ / static_cast<std::int64_t>(row_floats_); }

void HostRows::take(std::span<float> row) {
  const auto ring = memory_.as<float>();
  for (float& value : row) value = ring[static_cast<std::size_t>(taken_++) % capacity_];
}

void HostRows::restart(std::int64_t row) { fed_ = taken_ = row * static_cast<std::int64_t>(row_floats_); }

}  // namespace talkrt::features
