// SPDX-License-Identifier: Apache-2.0
//
// Functions of libcuda, as its ABI has them: handles are pointers, device addresses 64-bit integers, and
// every call answers an error number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace talkrt::device {

struct DriverCalls {
  using Address = std::uint64_t;

  int (*init)(unsigned flags);
  int (*device_count)(int* count);
  int (*device)(int* device, int ordinal);
  int (*device_name)(char* name, int length, int device);
  int (*device_attribute)(int* value, int attribute, int device);
  int (*retain_context)(void** context, int device);
  int (*release_context)(int device);
  int (*push_context)(void* context);
  int (*pop_context)(void** context);
  int (*error_text)(int status, const char** text);

  int (*take_device)(Address* out, std::size_t bytes);
  int (*give_device)(Address memory);
  int (*take_pinned)(void** out, std::size_t bytes, unsigned flags);
  int (*give_pinned)(void* memory);
  int (*set_bytes)(Address memory, unsigned char value, std::size_t bytes);

  int (*create_stream)(void** out, unsigned flags);
  int (*destroy_stream)(void* stream);
  int (*synchronize)(void* stream);
  int (*copy_in)(Address to, const void* from, std::size_t bytes, void* stream);
  int (*copy_out)(void* to, Address from, std::size_t bytes, void* stream);
  int (*copy)(Address to, Address from, std::size_t bytes, void* stream);

  int (*begin_capture)(void* stream, int mode);
  int (*end_capture)(void* stream, void** graph);
  int (*instantiate)(void** executable, void* graph, unsigned long long flags);
  int (*launch)(void* executable, void* stream);
  int (*destroy_graph)(void* graph);
  int (*destroy_executable)(void* executable);
};

}  // namespace talkrt::device
