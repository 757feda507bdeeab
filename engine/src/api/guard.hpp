// SPDX-License-Identifier: Apache-2.0
//
// The wall between exceptions and the C ABI, and the thread's last error.
#pragma once

#include <talkrt/talkrt.h>

#include <exception>
#include <new>
#include <string>
#include <talkrt/error.hpp>
#include <type_traits>

namespace talkrt::api {

/// Notes the message for talkrt_last_error and returns the code. Never allocates.
talkrt_status fail(talkrt_status code, const char* message) noexcept;

/// Runs the body of an ABI function. Here every exception ends; none leaves the library.
template <class F>
talkrt_status guarded(F&& body) noexcept {
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return TALKRT_OK;
    } else {
      return body();
    }
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(TALKRT_ERROR_OUT_OF_MEMORY, "the system refused memory for a small allocation");
  } catch (const std::exception& error) {
    return fail(TALKRT_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(TALKRT_ERROR_INTERNAL, "an exception of unknown type");
  }
}

/// Throws INVALID_ARGUMENT for a NULL argument.
inline void require(const void* pointer, const char* name) {
  if (pointer == nullptr) throw Error(TALKRT_ERROR_INVALID_ARGUMENT, std::string(name) + " is NULL");
}

}  // namespace talkrt::api
