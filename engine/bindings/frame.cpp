// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>

#include "objects.hpp"

namespace nb = nanobind;

namespace talkrt::python {
namespace {

constexpr std::array<const char*, TALKRT_STAGE_COUNT> kStages = {"audio", "motion", "deform", "render",
                                                                 "post"};

using Pixels = nb::ndarray<nb::numpy, const std::uint8_t, nb::shape<-1, -1, 4>, nb::device::cpu>;

/// No copy: the array's base is the Frame, whose end gives the slot back to the session.
nb::object image(nb::pointer_and_handle<Frame> self) {
  const talkrt_frame& info = self.p->info;
  if (self.p->image.is_valid()) return self.p->image;
  const std::array<std::size_t, 3> shape = {static_cast<std::size_t>(info.height),
                                            static_cast<std::size_t>(info.width), 4};
  const std::array<std::int64_t, 3> strides = {info.stride, 4, 1};
  return nb::cast(Pixels(info.pixels, shape.size(), shape.data(), self.h, strides.data()));
}

nb::dict stage_ns(const Frame& frame) {
  nb::dict stages;
  for (std::size_t i = 0; i < kStages.size(); ++i) stages[kStages[i]] = frame.info.stage_ns[i];
  return stages;
}

}  // namespace

void bind_frame(nb::module_& module) {
  nb::class_<Frame>(module, "Frame", "One picture and the audio sample it is shown with.")
      .def_prop_ro(
          "index", [](const Frame& frame) { return frame.info.index; },
          "Frame number on the session's clock.")
      .def_prop_ro(
          "audio_position", [](const Frame& frame) { return frame.info.audio_position; },
          "Audio sample that this frame is shown with.")
      .def_prop_ro("width", [](const Frame& frame) { return frame.info.width; })
      .def_prop_ro("height", [](const Frame& frame) { return frame.info.height; })
      .def_prop_ro("image", &image, nb::sig("def image(self) -> numpy.typing.NDArray[numpy.uint8]"),
                   "RGBA [H, W, 4], top row first; read-only, no copy. Holds a frame slot while it lives.")
      .def_prop_ro(
          "untrained", [](const Frame& frame) { return frame.info.untrained != 0; },
          "Whether the model's weights are random numbers, so that the picture says nothing.")
      .def_prop_ro("stage_ns", &stage_ns, nb::sig("def stage_ns(self) -> dict[str, int]"),
                   "Nanoseconds that this frame spent in each stage.");
}

}  // namespace talkrt::python
