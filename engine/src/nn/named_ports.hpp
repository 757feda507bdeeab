// SPDX-License-Identifier: Apache-2.0
//
// Ports by their names, and what is said where a name or a size is another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <talkrt/error.hpp>

#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

inline std::size_t floats_of(std::span<const std::int64_t> shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

/// nullptr: none has that name.
template <class T>
const T* named(std::span<const T> all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// Throws NOT_FOUND with the names there are. `word`: "input", "output".
template <class Ports>
auto& port_named(Ports&& ports, std::string_view name, const std::string& graph, const char* word) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == name; });
  if (found != ports.end()) return *found;
  std::string known;
  for (const auto& port : ports) known += (known.empty() ? "" : ", ") + port.name;
  throw Error(TALKRT_ERROR_NOT_FOUND, "graph " + graph + " has no " + word + " \"" + std::string(name) +
                                          "\" for the host; it has: " + (known.empty() ? "none" : known));
}

/// For what a caller gives in the place of an input.
inline void require_floats(const std::string& graph, const plan::Port& port, std::size_t found) {
  const std::size_t expected = floats_of(port.shape);
  if (found == expected) return;
  throw Error(TALKRT_ERROR_INTERNAL, "graph " + graph + ": input \"" + port.name + "\" is shared with " +
                                         std::to_string(found) + " numbers, expected " +
                                         std::to_string(expected));
}

}  // namespace talkrt::nn
