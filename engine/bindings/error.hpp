// SPDX-License-Identifier: Apache-2.0
//
// Calls into the C ABI from Python: without the GIL, with failures raised as talkrt.Error.
#pragma once

#include <nanobind/nanobind.h>
#include <talkrt/talkrt.h>

#include <cstddef>
#include <string>
#include <utility>

namespace talkrt::python {

/// As Python text. Messages quote what a file holds and how it is called, which may be no UTF-8.
nanobind::str text(const char* bytes, std::size_t count);

/// Raises the exception that talkrt.errors.make chooses for `status`. Needs the GIL.
[[noreturn]] void raise(talkrt_status status, const std::string& message);

/// Runs `function` (a C ABI call) without the GIL and returns its status when that is no error.
/// Every call goes through here, quick ones too: a call may wait for a lock whose holder is in a log
/// callback that waits for the GIL.
template <class Function>
talkrt_status call(Function&& function) {
  talkrt_status status = TALKRT_OK;
  std::string message;
  {
    const nanobind::gil_scoped_release without_gil;
    status = std::forward<Function>(function)();
    if (status < 0) message = talkrt_last_error();  // of this thread, until its next failing call
  }
  if (status < 0) raise(status, message);
  return status;
}

/// Deleter of a C ABI handle; drops one reference, without the GIL for the same reason.
template <auto Release>
struct Releaser {
  template <class T>
  void operator()(T* handle) const noexcept {
    const nanobind::gil_scoped_release without_gil;
    Release(handle);
  }
};

}  // namespace talkrt::python
