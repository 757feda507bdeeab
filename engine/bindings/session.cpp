// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

using Samples = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Target = nb::ndarray<std::uint8_t, nb::shape<-1, -1, 4>, nb::device::cpu>;

std::size_t push_audio(const Session& session, const Samples& samples, int sample_rate) {
  std::size_t accepted = 0;
  call([&] {
    return talkrt_session_push_audio(session.handle.get(), samples.data(), samples.size(), sample_rate,
                                     &accepted);
  });
  return accepted;
}

std::size_t push_features(const Session& session, const Rows& rows) {
  std::size_t accepted = 0;
  call([&] {
    return talkrt_session_push_features(session.handle.get(), rows.data(), rows.shape(0), rows.shape(1),
                                        &accepted);
  });
  return accepted;
}

/// The frame that `function` (a pull) made, or nothing; notes whether the stream has ended.
template <class Function>
std::optional<Frame> pulled(const std::shared_ptr<Session>& session, Function&& function) {
  Frame frame;
  talkrt_frame_init(&frame.info);
  const talkrt_status status = call([&] { return function(&frame.info); });
  session->ended = status == TALKRT_END_OF_STREAM;
  if (status != TALKRT_OK) return std::nullopt;
  frame.slot.reset(frame.info.slot);
  frame.session = session;
  return frame;
}

std::optional<Frame> pull(const std::shared_ptr<Session>& session) {
  return pulled(session, [&](talkrt_frame* out) { return talkrt_session_pull(session->handle.get(), out); });
}

std::optional<Frame> pull_into(const std::shared_ptr<Session>& session, const Target& pixels) {
  talkrt_session_stats stats;
  talkrt_session_stats_init(&stats);
  call([&] { return talkrt_session_get_stats(session->handle.get(), &stats); });
  const auto height = static_cast<std::int64_t>(pixels.shape(0));
  const auto width = static_cast<std::int64_t>(pixels.shape(1));
  // The C ABI cannot know how large the memory behind its pointer is; here that is known.
  if (height != stats.height || width != stats.width || pixels.stride(2) != 1 || pixels.stride(1) != 4 ||
      pixels.stride(0) < 4 * width) {
    raise(TALKRT_ERROR_INVALID_ARGUMENT, "the array for the frame is " + std::to_string(height) +
                                             " rows of " + std::to_string(width) + " pixels, expected [" +
                                             std::to_string(stats.height) + ", " +
                                             std::to_string(stats.width) + ", 4] with packed pixels");
  }
  std::optional<Frame> frame = pulled(session, [&](talkrt_frame* out) {
    return talkrt_session_pull_into(session->handle.get(), pixels.data(), pixels.stride(0), out);
  });
  return frame;
}

std::map<std::string, std::int64_t> stats(const Session& session) {
  talkrt_session_stats got;
  talkrt_session_stats_init(&got);
  call([&] { return talkrt_session_get_stats(session.handle.get(), &got); });
  return {{"width", got.width},
          {"height", got.height},
          {"fps_num", got.fps_num},
          {"fps_den", got.fps_den},
          {"frames", got.frames},
          {"audio_pushed", got.audio_pushed},
          {"audio_dropped", got.audio_dropped},
          {"audio_queued", got.audio_queued},
          {"host_bytes", static_cast<std::int64_t>(got.host_bytes)},
          {"pinned_bytes", static_cast<std::int64_t>(got.pinned_bytes)},
          {"device_bytes", static_cast<std::int64_t>(got.device_bytes)}};
}

std::vector<float> channels(const Session& session) {
  std::vector<float> values(1024);
  std::size_t count = values.size();
  call([&] { return talkrt_session_get_channels(session.handle.get(), values.data(), &count); });
  values.resize(count);
  return values;
}

nb::str describe_json(const Session& session) {
  char* json = nullptr;
  call([&] { return talkrt_session_describe_json(session.handle.get(), &json); });
  nb::str copy = text(json, std::strlen(json));
  talkrt_string_free(json);
  return copy;
}

void set_controls(const Session& session, int emotion, float emotion_intensity, float gaze_yaw,
                  float gaze_pitch, float head_yaw, float head_pitch, float head_roll, float head_distance,
                  float head_motion, float blink, float expression_scale) {
  talkrt_controls controls;
  talkrt_controls_init(&controls);
  controls.emotion = emotion;
  controls.emotion_intensity = emotion_intensity;
  controls.gaze_yaw = gaze_yaw;
  controls.gaze_pitch = gaze_pitch;
  controls.head_yaw = head_yaw;
  controls.head_pitch = head_pitch;
  controls.head_roll = head_roll;
  controls.head_distance = head_distance;
  controls.head_motion = head_motion;
  controls.blink = blink;
  controls.expression_scale = expression_scale;
  call([&] { return talkrt_session_set_controls(session.handle.get(), &controls); });
}

/// What talkrt_controls_init says, for the package's test that its own defaults agree.
std::map<std::string, float> default_controls() {
  talkrt_controls controls;
  talkrt_controls_init(&controls);
  return {{"emotion", static_cast<float>(controls.emotion)},
          {"emotion_intensity", controls.emotion_intensity},
          {"gaze_yaw", controls.gaze_yaw},
          {"gaze_pitch", controls.gaze_pitch},
          {"head_yaw", controls.head_yaw},
          {"head_pitch", controls.head_pitch},
          {"head_roll", controls.head_roll},
          {"head_distance", controls.head_distance},
          {"head_motion", controls.head_motion},
          {"blink", controls.blink},
          {"expression_scale", controls.expression_scale}};
}

}  // namespace

void bind_session(nb::module_& module) {
  nb::class_<Session>(module, "Session", "One head, talking. One thread may push while another pulls.")
      .def("push_audio", &push_audio, "samples"_a, "sample_rate"_a,
           "Appends mono samples and returns how many fitted.")
      .def("push_features", &push_features, "rows"_a, "Appends rows of features and returns how many fitted.")
      .def("finish_audio",
           [](const Session& session) {
             call([&] { return talkrt_session_finish_audio(session.handle.get()); });
           })
      .def("interrupt",
           [](const Session& session) {
             call([&] { return talkrt_session_interrupt(session.handle.get()); });
           })
      .def("pull", &pull, "The next frame, or None when there is none now.")
      .def(
          "pull_into",
          [](const std::shared_ptr<Session>& session, nb::object out) {
            std::optional<Frame> frame = pull_into(session, nb::cast<Target>(out, false));
            if (frame) frame->image = std::move(out);
            return frame;
          },
          "out"_a, nb::sig("def pull_into(self, out: numpy.typing.NDArray[numpy.uint8]) -> Frame | None"),
          "The same into the caller's array, RGBA [H, W, 4].")
      .def_prop_ro("ended", [](const Session& session) { return session.ended.load(); })
      .def("stats", &stats)
      .def("describe_json", &describe_json, "Look-ahead and what graphs have done, as JSON.")
      .def("channels", &channels,
           "Numbers that the last frame shows: a rig's channels, or a portrait's keypoints.")
      .def("set_controls", &set_controls, nb::kw_only(), "emotion"_a, "emotion_intensity"_a, "gaze_yaw"_a,
           "gaze_pitch"_a, "head_yaw"_a, "head_pitch"_a, "head_roll"_a, "head_distance"_a, "head_motion"_a,
           "blink"_a, "expression_scale"_a);
  module.def("default_controls", &default_controls, "The values of talkrt_controls_init.");
}

}  // namespace talkrt::python
