// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

using Bytes = nb::ndarray<nb::numpy, const std::uint8_t, nb::shape<-1, -1, 4>, nb::device::cpu>;
using Floats = nb::ndarray<nb::numpy, const float, nb::device::cpu>;

/// No copy: the array's base is the View. None where that output was not asked for.
nb::object image(nb::pointer_and_handle<View> self) {
  if (self.p->rgba8 == nullptr) return nb::none();
  const std::array<std::size_t, 3> shape = {static_cast<std::size_t>(self.p->height),
                                            static_cast<std::size_t>(self.p->width), 4};
  return nb::cast(Bytes(self.p->rgba8.get(), shape.size(), shape.data(), self.h));
}

/// One channel of `first`, whose pixels lie `step` floats apart.
nb::object plane(const nb::pointer_and_handle<View>& self, const float* first, std::int64_t step) {
  const std::array<std::size_t, 2> shape = {static_cast<std::size_t>(self.p->height),
                                            static_cast<std::size_t>(self.p->width)};
  const std::array<std::int64_t, 2> strides = {step * self.p->width, step};
  return nb::cast(Floats(first, shape.size(), shape.data(), self.h, strides.data()));
}

nb::object alpha(nb::pointer_and_handle<View> self) {
  if (self.p->rgba == nullptr) return nb::none();
  return plane(self, self.p->rgba.get() + 3, 4);
}

nb::object depth(nb::pointer_and_handle<View> self) {
  if (self.p->depth == nullptr) return nb::none();
  return plane(self, self.p->depth.get(), 1);
}

nb::object rgba(nb::pointer_and_handle<View> self) {
  if (self.p->rgba == nullptr) return nb::none();
  const std::array<std::size_t, 3> shape = {static_cast<std::size_t>(self.p->height),
                                            static_cast<std::size_t>(self.p->width), 4};
  return nb::cast(Floats(self.p->rgba.get(), shape.size(), shape.data(), self.h));
}

View draw(const std::shared_ptr<Session>& session, const std::array<float, 16>& viewmat,
          const std::array<float, 9>& K, std::pair<int, int> size, bool image, bool floats, bool depth) {
  talkrt_camera camera;
  talkrt_camera_init(&camera);
  std::tie(camera.width, camera.height) = size;
  std::copy(viewmat.begin(), viewmat.end(), camera.viewmat);
  std::copy(K.begin(), K.end(), camera.K);
  View view;
  std::tie(view.width, view.height) = size;
  talkrt_view_init(&view.info);
  // A size that the library would refuse takes no memory first.
  const bool sane = view.width > 0 && view.height > 0 && view.width <= 8192 && view.height <= 8192;
  const std::size_t pixels =
      sane ? static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height) : 1;
  if (image) view.rgba8 = std::make_unique_for_overwrite<std::uint8_t[]>(4 * pixels);
  if (floats) view.rgba = std::make_unique_for_overwrite<float[]>(4 * pixels);
  if (depth) view.depth = std::make_unique_for_overwrite<float[]>(pixels);
  view.info.rgba8 = view.rgba8.get();
  view.info.rgba8_stride = std::int64_t{4} * view.width;
  view.info.rgba = view.rgba.get();
  view.info.depth = view.depth.get();
  call([&] { return talkrt_session_draw(session->handle.get(), &camera, &view.info); });
  return view;
}

/// (viewmat, K, (width, height)) of the plan's own camera.
nb::tuple camera(const Model& model, std::pair<int, int> size) {
  talkrt_camera camera;
  talkrt_camera_init(&camera);
  call([&] { return talkrt_model_get_camera(model.handle.get(), size.first, size.second, &camera); });
  return nb::make_tuple(std::to_array(camera.viewmat), std::to_array(camera.K),
                        std::pair(camera.width, camera.height));
}

}  // namespace

void bind_view(nb::module_& module) {
  nb::class_<View>(module, "View", "What one camera sees. Arrays are read-only and no copies.")
      .def_prop_ro("image", &image, nb::sig("def image(self) -> numpy.typing.NDArray[numpy.uint8] | None"),
                   "RGBA [H, W, 4], top row first, as in a frame.")
      .def_prop_ro("rgba", &rgba, nb::sig("def rgba(self) -> numpy.typing.NDArray[numpy.float32] | None"),
                   "[H, W, 4]: RGB over the background, and the alpha of the Gaussians alone.")
      .def_prop_ro("alpha", &alpha, nb::sig("def alpha(self) -> numpy.typing.NDArray[numpy.float32] | None"),
                   "[H, W]: 0 where only the background is seen.")
      .def_prop_ro("depth", &depth, nb::sig("def depth(self) -> numpy.typing.NDArray[numpy.float32] | None"),
                   "[H, W]: expected distance along the camera's axis, 0 where there is nothing.")
      .def_prop_ro("visible", [](const View& view) { return view.info.visible; })
      .def_prop_ro("dropped", [](const View& view) { return view.info.dropped; })
      .def_prop_ro("draw_ns", [](const View& view) { return view.info.draw_ns; });
  module.def("draw", &draw, "session"_a, "viewmat"_a, "K"_a, "size"_a, "image"_a = true, "floats"_a = true,
             "depth"_a = true, "What the session shows now, from a camera.");
  module.def("camera", &camera, "model"_a, "size"_a = std::pair(0, 0),
             nb::sig("def camera(model: Model, size: tuple[int, int] = (0, 0)) -> "
                     "tuple[list[float], list[float], tuple[int, int]]"),
             "The plan's own camera for a size: viewmat, K, size.");
}

}  // namespace talkrt::python
