// SPDX-License-Identifier: Apache-2.0
#include "error.hpp"

#include <nanobind/stl/string.h>

namespace nb = nanobind;

namespace talkrt::python {

void raise(talkrt_status status, const std::string& message) {
  const nb::object make = nb::module_::import_("talkrt.errors").attr("make");
  const nb::object error = make(talkrt_status_name(status), message);
  PyErr_SetObject(error.type().ptr(), error.ptr());
  throw nb::python_error();
}

}  // namespace talkrt::python
