// SPDX-License-Identifier: Apache-2.0
//
// Structs that a caller compiled against another version of the header: only as many bytes as the caller
// says it has are read or written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/api/guard.hpp"

namespace talkrt::api {

inline constexpr std::uint32_t kLargestStruct = 4096;  // bytes: beyond it the size was never set

inline std::uint32_t checked_size(const void* record, const char* name) {
  require(record, name);
  std::uint32_t size = 0;
  std::memcpy(&size, record, sizeof size);
  if (size <= sizeof size || size > kLargestStruct) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT, std::string(name) + "->struct_size is " +
                                                   std::to_string(size) +
                                                   ": call the struct's _init function first");
  }
  return size;
}

/// The caller's struct over `defaults`: fields that it does not have keep theirs.
template <class T>
T read_struct(const T* from, T defaults, const char* name) {
  const std::uint32_t size = checked_size(from, name);
  std::memcpy(&defaults, from, std::min<std::size_t>(size, sizeof(T)));
  defaults.struct_size = sizeof(T);
  return defaults;
}

/// As much of `defaults` as the caller, whose struct has `size` bytes, has room for.
template <class T>
void init_struct(T* to, T defaults, std::size_t size) {
  if (to == nullptr) return;
  const std::size_t known = std::min(size, sizeof(T));
  defaults.struct_size = static_cast<std::uint32_t>(known);
  std::memcpy(to, &defaults, known);
}

/// As much of `value` as the caller has room for; its struct_size stays.
template <class T>
void write_struct(T value, T* to, const char* name) {
  const std::uint32_t size = checked_size(to, name);
  value.struct_size = size;
  std::memcpy(to, &value, std::min<std::size_t>(size, sizeof(T)));
}

}  // namespace talkrt::api
