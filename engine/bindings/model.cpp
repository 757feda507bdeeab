// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

using Picture = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Portrait = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, -1>, nb::c_contig, nb::device::cpu>;

talkrt_model_info info(const Model& model) {
  talkrt_model_info info;
  talkrt_model_info_init(&info);
  call([&] { return talkrt_model_get_info(model.handle.get(), &info); });
  return info;
}

std::vector<std::string> emotions(const Model& model) {
  std::vector<std::string> names;
  for (int index = 0;; ++index) {
    const char* name = talkrt_model_emotion_name(model.handle.get(), index);
    if (name == nullptr) return names;
    names.emplace_back(name);
  }
}

nb::str describe_json(const Model& model) {
  char* json = nullptr;
  call([&] { return talkrt_model_describe_json(model.handle.get(), &json); });
  nb::str copy = text(json, std::strlen(json));
  talkrt_string_free(json);
  return copy;
}

std::shared_ptr<Session> create_session(
    const std::shared_ptr<Model>& model, int width, int height, std::pair<int, int> fps, int frame_slots,
    std::int64_t audio_capacity, std::uint64_t seed, bool idle_motion, int background,
    std::array<float, 3> background_color, const std::optional<Picture>& background_image,
    const std::optional<Portrait>& portrait, std::array<double, 6> portrait_crop, bool portrait_crop_only,
    int motion_steps, int motion_hop, float motion_eta, float motion_guidance, int frame_memory,
    int frames_ahead, int pixel_format) {
  talkrt_session_config config;
  talkrt_session_config_init(&config);
  config.width = width;
  config.height = height;
  config.fps_num = fps.first;
  config.fps_den = fps.second;
  if (frame_slots != 0) config.frame_slots = frame_slots;
  config.audio_capacity = audio_capacity;
  config.seed = seed;
  config.idle_motion = idle_motion ? 1 : 0;
  config.background = static_cast<talkrt_background>(background);
  for (std::size_t i = 0; i < 3; ++i) config.background_color[i] = background_color[i];
  if (background_image) {
    config.background_image = background_image->data();
    config.background_image_height = static_cast<int>(background_image->shape(0));
    config.background_image_width = static_cast<int>(background_image->shape(1));
  }
  if (portrait) {
    config.portrait = portrait->data();
    config.portrait_height = static_cast<int>(portrait->shape(0));
    config.portrait_width = static_cast<int>(portrait->shape(1));
    config.portrait_channels = static_cast<int>(portrait->shape(2));
    std::copy(portrait_crop.begin(), portrait_crop.end(), config.portrait_crop);
    config.portrait_crop_only = portrait_crop_only ? 1 : 0;
  }
  config.motion_steps = motion_steps;
  config.motion_hop = motion_hop;
  config.motion_eta = motion_eta;
  config.motion_guidance = motion_guidance;
  config.frame_memory = frame_memory;
  config.frames_ahead = frames_ahead;
  config.pixel_format = pixel_format;
  talkrt_session* handle = nullptr;
  call([&] { return talkrt_session_create(model->handle.get(), &config, &handle); });
  auto session = std::make_shared<Session>();
  session->model = model;
  session->handle.reset(handle);
  return session;
}

}  // namespace

void bind_model(nb::module_& module) {
  nb::class_<Model>(module, "Model", "One loaded plan; immutable, shared by its sessions.")
      .def_prop_ro("kind", [](const Model& model) { return std::string(info(model).kind); })
      .def_prop_ro("name", [](const Model& model) { return std::string(info(model).name); })
      .def_prop_ro("sample_rate", [](const Model& model) { return info(model).sample_rate; })
      .def_prop_ro("width", [](const Model& model) { return info(model).width; })
      .def_prop_ro("height", [](const Model& model) { return info(model).height; })
      .def_prop_ro("fps",
                   [](const Model& model) {
                     const talkrt_model_info got = info(model);
                     return std::pair(got.fps_num, got.fps_den);
                   })
      .def_prop_ro("look_ahead", [](const Model& model) { return info(model).look_ahead; })
      .def_prop_ro("host_bytes", [](const Model& model) { return info(model).host_bytes; })
      .def_prop_ro("host_budget_bytes", [](const Model& model) { return info(model).host_budget_bytes; })
      .def_prop_ro("pinned_bytes", [](const Model& model) { return info(model).pinned_bytes; })
      .def_prop_ro("device_bytes", [](const Model& model) { return info(model).device_bytes; })
      .def_prop_ro("device_budget_bytes", [](const Model& model) { return info(model).device_budget_bytes; })
      .def_prop_ro("load_ms", [](const Model& model) { return info(model).load_ms; })
      .def_prop_ro("target", [](const Model& model) { return std::to_array(info(model).target); })
      .def_prop_ro("up", [](const Model& model) { return std::to_array(info(model).up); })
      .def_prop_ro("emotions", &emotions)
      .def("describe_json", &describe_json, "Manifest and tensor summary, as JSON.")
      .def("session", &create_session, nb::kw_only(), "width"_a = 0, "height"_a = 0,
           "fps"_a = std::pair(0, 0), "frame_slots"_a = 0, "audio_capacity"_a = 0, "seed"_a = 0,
           "idle_motion"_a = true, "background"_a = 0,
           "background_color"_a = std::array<float, 3>{0.0f, 0.0f, 0.0f}, "background_image"_a = nb::none(),
           "portrait"_a = nb::none(), "portrait_crop"_a = std::array<double, 6>{},
           "portrait_crop_only"_a = false, "motion_steps"_a = 0, "motion_hop"_a = 0, "motion_eta"_a = 0.0f,
           "motion_guidance"_a = -1.0f, "frame_memory"_a = static_cast<int>(TALKRT_FRAMES_HOST),
           "frames_ahead"_a = 0, "pixel_format"_a = static_cast<int>(TALKRT_PIXELS_RGBA8),
           "Takes all memory that a session will ever need.");
  module.attr("BACKGROUND_PLAN") = static_cast<int>(TALKRT_BACKGROUND_PLAN);
  module.attr("BACKGROUND_COLOR") = static_cast<int>(TALKRT_BACKGROUND_COLOR);
  module.attr("BACKGROUND_IMAGE") = static_cast<int>(TALKRT_BACKGROUND_IMAGE);
  module.attr("BACKGROUND_TRANSPARENT") = static_cast<int>(TALKRT_BACKGROUND_TRANSPARENT);
}

}  // namespace talkrt::python
