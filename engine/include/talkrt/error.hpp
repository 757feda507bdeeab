// SPDX-License-Identifier: Apache-2.0
//
// The one exception type of TalkRT: a status code and a message for a person. Setting up throws it;
// pulling frames reports ordinary outcomes as values.
#pragma once

#include <talkrt/talkrt.h>

#include <stdexcept>
#include <string>

namespace talkrt {

class Error : public std::runtime_error {
 public:
  Error(talkrt_status code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] talkrt_status code() const noexcept { return code_; }

 private:
  talkrt_status code_;
};

/// Throws what the calling thread's last call left behind, when that was an error.
inline void check(talkrt_status status) {
  if (status < TALKRT_OK) throw Error(status, talkrt_last_error());
}

}  // namespace talkrt
