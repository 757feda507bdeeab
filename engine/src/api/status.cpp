// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "engine/src/api/guard.hpp"

namespace {

// A fixed size, so that noting an error cannot fail; breakdowns of a budget take some hundred bytes.
thread_local char last_error[4096] = "";

}  // namespace

talkrt_status talkrt::api::fail(talkrt_status code, const char* message) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", message);
  return code;
}

const char* talkrt_last_error(void) { return last_error; }

const char* talkrt_status_name(talkrt_status status) {
  switch (status) {
    case TALKRT_OK:
      return "TALKRT_OK";
    case TALKRT_NEED_AUDIO:
      return "TALKRT_NEED_AUDIO";
    case TALKRT_END_OF_STREAM:
      return "TALKRT_END_OF_STREAM";
    case TALKRT_ERROR_INVALID_ARGUMENT:
      return "TALKRT_ERROR_INVALID_ARGUMENT";
    case TALKRT_ERROR_NOT_FOUND:
      return "TALKRT_ERROR_NOT_FOUND";
    case TALKRT_ERROR_IO:
      return "TALKRT_ERROR_IO";
    case TALKRT_ERROR_PLAN_CORRUPT:
      return "TALKRT_ERROR_PLAN_CORRUPT";
    case TALKRT_ERROR_PLAN_UNSUPPORTED:
      return "TALKRT_ERROR_PLAN_UNSUPPORTED";
    case TALKRT_ERROR_BACKEND_MISSING:
      return "TALKRT_ERROR_BACKEND_MISSING";
    case TALKRT_ERROR_BACKEND_FAILED:
      return "TALKRT_ERROR_BACKEND_FAILED";
    case TALKRT_ERROR_OUT_OF_BUDGET:
      return "TALKRT_ERROR_OUT_OF_BUDGET";
    case TALKRT_ERROR_OUT_OF_MEMORY:
      return "TALKRT_ERROR_OUT_OF_MEMORY";
    case TALKRT_ERROR_FRAMES_HELD:
      return "TALKRT_ERROR_FRAMES_HELD";
    case TALKRT_ERROR_BAD_AUDIO:
      return "TALKRT_ERROR_BAD_AUDIO";
    case TALKRT_ERROR_FINISHED:
      return "TALKRT_ERROR_FINISHED";
    case TALKRT_ERROR_UNSUPPORTED:
      return "TALKRT_ERROR_UNSUPPORTED";
    case TALKRT_ERROR_DEVICE_LOST:
      return "TALKRT_ERROR_DEVICE_LOST";
    case TALKRT_ERROR_INTERNAL:
      return "TALKRT_ERROR_INTERNAL";
  }
  return "unknown talkrt_status";
}

const char* talkrt_version(void) { return TALKRT_VERSION; }

const char* talkrt_build_info_json(void) {
  return "{\"version\":\"" TALKRT_VERSION "\",\"abi\":1,\"compiler\":\"" TALKRT_COMPILER
         "\",\"cpu_paths\":" TALKRT_CPU_PATHS "}";
}
