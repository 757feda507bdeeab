// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <array>
#include <cstdint>
#include <utility>

#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

constexpr std::array<const char*, TALKRT_STAGE_COUNT> kStages = {"audio", "motion", "deform", "render",
                                                                 "post"};

/// Of a frame's array, by its pixel format.
struct Layout {
  std::array<std::size_t, 3> shape{};
  std::array<std::int64_t, 3> strides{};  // elements
  std::size_t dimensions = 3;
  nb::dlpack::dtype type = nb::dtype<std::uint8_t>();

  explicit Layout(const talkrt_frame& info) {
    const auto width = static_cast<std::size_t>(info.width), height = static_cast<std::size_t>(info.height);
    shape = {height, width, 4};
    strides = {info.stride, 4, 1};
    if (info.pixel_format == TALKRT_PIXELS_NV12) {
      shape = {height + (height + 1) / 2, width + width % 2, 1};
      strides = {info.stride, 1, 1};
      dimensions = 2;
    } else if (info.pixel_format == TALKRT_PIXELS_RGBA_F32) {
      strides[0] = info.stride / static_cast<std::int64_t>(sizeof(float));
      type = nb::dtype<float>();
    }
  }
  [[nodiscard]] bool floats() const { return type.bits == 32; }
  [[nodiscard]] nb::tuple tuple_of(const auto& sizes, std::int64_t factor) const {
    if (dimensions == 2) return nb::make_tuple(sizes[0] * factor, sizes[1] * factor);
    return nb::make_tuple(sizes[0] * factor, sizes[1] * factor, sizes[2] * factor);
  }
};

bool on_gpu(const talkrt_frame& info) { return info.device_pixels != nullptr; }

/// No copy: the array's base is the Frame, whose end gives the slot back to the session.
nb::object image(nb::pointer_and_handle<Frame> self) {
  const talkrt_frame& info = self.p->info;
  if (self.p->image.is_valid()) return self.p->image;
  if (on_gpu(info)) {
    raise(TALKRT_ERROR_UNSUPPORTED,
          "this frame is in the GPU's memory: hand it to torch, CuPy or PyCUDA as it is, or ask the session "
          "for "
          "frame_memory=\"host\"");
  }
  const Layout layout(info);
  return nb::cast(nb::ndarray<nb::numpy, nb::ro, nb::device::cpu>(
      info.pixels, layout.dimensions, layout.shape.data(), self.h, layout.strides.data(), layout.type));
}

/// DLPack's name of the memory, and which device of that kind.
std::pair<int, int> dlpack_device(const Frame& frame) {
  const talkrt_frame& info = frame.info;
  if (on_gpu(info)) return {nb::device::cuda::value, info.device_index};
  return {info.device == TALKRT_DEVICE_CUDA ? nb::device::cuda_host::value : nb::device::cpu::value, 0};
}

/// The array API's protocol: with `stream` the consumer's stream waits for the pixels, not the host.
nb::object dlpack(nb::pointer_and_handle<Frame> self, const nb::object& stream, const nb::object& max_version,
                  const nb::object& dl_device, const nb::object& copy) {
  const talkrt_frame& info = self.p->info;
  if (self.p->image.is_valid()) {
    return self.p->image.attr("__dlpack__")("max_version"_a = max_version, "dl_device"_a = dl_device,
                                            "copy"_a = copy);
  }
  if (on_gpu(info)) {
    const std::intptr_t wanted = stream.is_none() ? 1 : nb::cast<std::intptr_t>(stream);  // 1: CUDA's default
    if (wanted != -1) {
      call([&] { return talkrt_frame_follow(info.slot, reinterpret_cast<void*>(wanted)); });
    }
  }
  const auto [kind, index] = dlpack_device(*self.p);
  const Layout layout(info);
  const void* pixels = on_gpu(info) ? info.device_pixels : info.pixels;
  const nb::object array =
      nb::cast(nb::ndarray<nb::array_api, nb::ro>(pixels, layout.dimensions, layout.shape.data(), self.h,
                                                  layout.strides.data(), layout.type, kind, index));
  return array.attr("__dlpack__")("max_version"_a = max_version, "dl_device"_a = dl_device, "copy"_a = copy);
}

/// Version 3 of Numba's interface; only frames in the GPU's memory have it.
nb::dict cuda_array_interface(const Frame& frame) {
  const talkrt_frame& info = frame.info;
  if (!on_gpu(info)) throw nb::attribute_error("this frame is not in the GPU's memory");
  nb::dict out;
  const Layout layout(info);
  out["shape"] = layout.tuple_of(layout.shape, 1);
  out["strides"] = layout.tuple_of(layout.strides, layout.floats() ? 4 : 1);
  out["typestr"] = layout.floats() ? "<f4" : "|u1";
  out["data"] = nb::make_tuple(reinterpret_cast<std::uintptr_t>(info.device_pixels), true);  // read-only
  out["version"] = 3;
  out["stream"] = reinterpret_cast<std::uintptr_t>(info.stream);
  return out;
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
      .def_prop_ro(
          "device",
          [](const Frame& frame) { return frame.info.device == TALKRT_DEVICE_CUDA ? "cuda" : "cpu"; },
          "What drew it.")
      .def("__dlpack__", &dlpack, nb::kw_only(), "stream"_a = nb::none(), "max_version"_a = nb::none(),
           "dl_device"_a = nb::none(), "copy"_a = nb::none(),
           nb::sig("def __dlpack__(self, *, stream: int | None = None, max_version: tuple[int, int] | None = "
                   "None, "
                   "dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object"),
           "As `image`, no copy; holds the frame. On a GPU the consumer's stream waits for it.")
      .def("__dlpack_device__", &dlpack_device)
      .def(
          "follow",
          [](const Frame& frame, std::intptr_t stream) {
            call([&] { return talkrt_frame_follow(frame.slot.get(), reinterpret_cast<void*>(stream)); });
          },
          "stream"_a,
          "What is enqueued on this CUDA stream (cudaStream_t, as an int) from now on waits for the pixels.")
      .def_prop_ro("__cuda_array_interface__", &cuda_array_interface,
                   nb::sig("def __cuda_array_interface__(self) -> dict[str, object]"),
                   "Of a frame in the GPU's memory; its stream is the one that draws.")
      .def_prop_ro("image", &image, nb::sig("def image(self) -> numpy.typing.NDArray[numpy.uint8]"),
                   "RGBA [H, W, 4], top row first; of nv12 [H + ceil(H / 2), W]: luma, then U and V in turn. "
                   "Read-only, no copy; holds a frame slot while it lives.")
      .def_prop_ro(
          "untrained", [](const Frame& frame) { return frame.info.untrained != 0; },
          "Whether the model's weights are random numbers, so that the picture says nothing.")
      .def_prop_ro("stage_ns", &stage_ns, nb::sig("def stage_ns(self) -> dict[str, int]"),
                   "Nanoseconds that this frame spent in each stage.");
}

}  // namespace talkrt::python
