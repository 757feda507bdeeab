// SPDX-License-Identifier: Apache-2.0
#include "error.hpp"

namespace nb = nanobind;

namespace talkrt::python {

nb::str text(const char* bytes, std::size_t count) {
  return nb::steal<nb::str>(PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(count), "replace"));
}

void raise(talkrt_status status, const std::string& message) {
  const nb::object make = nb::module_::import_("talkrt.errors").attr("make");
  const nb::object error = make(talkrt_status_name(status), text(message.data(), message.size()));
  PyErr_SetObject(error.type().ptr(), error.ptr());
  throw nb::python_error();
}

}  // namespace talkrt::python
