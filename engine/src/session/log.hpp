// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <talkrt/talkrt.h>

#include <string>

namespace talkrt::session {

/// The host's log function, called on the thread whose call caused the message.
struct Log {
  talkrt_log_fn function = nullptr;
  void* user_data = nullptr;
  talkrt_log_level least = TALKRT_LOG_INFO;

  void operator()(talkrt_log_level level, const std::string& message) const {
    if (function != nullptr && level >= least) function(user_data, level, message.c_str());
  }
};

}  // namespace talkrt::session
