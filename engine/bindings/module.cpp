// SPDX-License-Identifier: Apache-2.0
//
// talkrt._core: a thin translation of talkrt.h. Conveniences (names instead of indices, fractions,
// file formats) are in the Python package around it.
#include <nanobind/nanobind.h>

#include "objects.hpp"

namespace nb = nanobind;

NB_MODULE(_core, module) {
  module.doc() = "The C ABI of TalkRT as Python objects; use the package talkrt instead.";
  // Objects that live to the end of the process are freed by it; a report on them is noise to users.
  nb::set_leak_warnings(false);

  module.def("version", &talkrt_version, "Version of the compiled core.");
  module.def("build_info_json", &talkrt_build_info_json, "Compiler, ABI and CPU paths, as JSON.");
  talkrt::python::bind_frame(module);
  talkrt::python::bind_session(module);
  talkrt::python::bind_model(module);
  talkrt::python::bind_view(module);
  talkrt::python::bind_engine(module);
  talkrt::python::bind_rasterizer(module);
  talkrt::python::bind_kernel_bench(module);
}
