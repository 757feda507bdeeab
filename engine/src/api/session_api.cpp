// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "engine/src/api/guard.hpp"
#include "engine/src/api/handles.hpp"
#include "engine/src/api/sized_struct.hpp"
#include "engine/src/api/strings.hpp"
#include "engine/src/motion/controls.hpp"
#include "engine/src/session/session_config.hpp"

using namespace talkrt;
using namespace talkrt::api;

void talkrt_session_config_init_sized(talkrt_session_config* config, size_t size) {
  init_struct(config, session::default_session_config(), size);
}

// The name without the macro: what programs of the first header call, whose struct is shorter.
void(talkrt_session_config_init)(talkrt_session_config* config) {
  talkrt_session_config_init_sized(config, offsetof(talkrt_session_config, portrait));
}

talkrt_status talkrt_session_create(talkrt_model* model, const talkrt_session_config* config,
                                    talkrt_session** out) {
  return guarded([&] {
    require(model, "model");
    require(out, "out");
    const auto defaults = session::default_session_config();
    auto handle = std::make_unique<talkrt_session>();
    handle->session = session::Session::create(
        model->engine, model->model, config == nullptr ? defaults : read_struct(config, defaults, "config"));
    *out = handle.release();
  });
}

void talkrt_session_retain(talkrt_session* session) { retain(session); }
void talkrt_session_release(talkrt_session* session) { release(session); }

talkrt_status talkrt_session_push_audio(talkrt_session* session, const float* samples, size_t count,
                                        int32_t sample_rate, size_t* accepted) {
  return guarded([&] {
    require(session, "session");
    require(accepted, "accepted");
    if (count > 0) require(samples, "samples");
    *accepted = session->session->push({samples, count}, sample_rate);
  });
}

talkrt_status talkrt_session_push_features(talkrt_session* session, const float* rows, size_t count,
                                           size_t row_floats, size_t* accepted) {
  return guarded([&] {
    require(session, "session");
    require(accepted, "accepted");
    if (count > 0) require(rows, "rows");
    *accepted = session->session->push_features({rows, count * row_floats}, row_floats);
  });
}

talkrt_status talkrt_session_finish_audio(talkrt_session* session) {
  return guarded([&] {
    require(session, "session");
    session->session->finish();
  });
}

talkrt_status talkrt_session_interrupt(talkrt_session* session) {
  return guarded([&] {
    require(session, "session");
    session->session->cut();
  });
}

void talkrt_controls_init(talkrt_controls* controls) {
  if (controls != nullptr) *controls = motion::default_controls();
}

talkrt_status talkrt_session_set_controls(talkrt_session* session, const talkrt_controls* controls) {
  return guarded([&] {
    require(session, "session");
    session->session->set_controls(read_struct(controls, motion::default_controls(), "controls"));
  });
}

void talkrt_frame_init_sized(talkrt_frame* frame, size_t size) { init_struct(frame, talkrt_frame{}, size); }

void(talkrt_frame_init)(talkrt_frame* frame) {
  talkrt_frame_init_sized(frame, offsetof(talkrt_frame, untrained));
}

namespace {

talkrt_status status_of(session::Pull outcome) {
  switch (outcome) {
    case session::Pull::frame:
      return TALKRT_OK;
    case session::Pull::need_audio:
      return TALKRT_NEED_AUDIO;
    case session::Pull::end_of_stream:
      return TALKRT_END_OF_STREAM;
  }
  return TALKRT_ERROR_INTERNAL;
}

}  // namespace

talkrt_status talkrt_session_pull(talkrt_session* session, talkrt_frame* frame) {
  return guarded([&] {
    require(session, "session");
    checked_size(frame, "frame");
    talkrt_frame full{};
    const session::Pull outcome = session->session->pull(full);
    if (outcome == session::Pull::frame) write_struct(full, frame, "frame");
    return status_of(outcome);
  });
}

talkrt_status talkrt_session_pull_into(talkrt_session* session, uint8_t* pixels, int64_t stride,
                                       talkrt_frame* frame) {
  return guarded([&] {
    require(session, "session");
    require(pixels, "pixels");
    checked_size(frame, "frame");
    const std::int64_t least = std::int64_t{4} * session->session->width();
    if (stride < least) {
      throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                  "stride is " + std::to_string(stride) +
                      " bytes, expected at least 4 * width = " + std::to_string(least));
    }
    talkrt_frame full{};
    const session::Pull outcome = session->session->pull_into({pixels, stride}, full);
    if (outcome == session::Pull::frame) write_struct(full, frame, "frame");
    return status_of(outcome);
  });
}

void talkrt_frame_release(talkrt_frame_slot* slot) {
  if (slot != nullptr) frame::FramePool::release(*reinterpret_cast<frame::FrameSlot*>(slot));
}

talkrt_status talkrt_frame_follow(talkrt_frame_slot* slot, void* stream) {
  return guarded([&] {
    require(slot, "slot");
    const auto& held = *reinterpret_cast<const frame::FrameSlot*>(slot);
    if (held.target.gpu.done == nullptr) {
      throw Error(TALKRT_ERROR_UNSUPPORTED, "the CPU drew this frame: there is no stream to wait for");
    }
    held.target.gpu.done->follow(static_cast<CUstream_st*>(stream));
  });
}

void talkrt_camera_init(talkrt_camera* camera) {
  if (camera == nullptr) return;
  *camera = {};
  camera->struct_size = sizeof *camera;
}

void talkrt_view_init(talkrt_view* view) {
  if (view == nullptr) return;
  *view = {};
  view->struct_size = sizeof *view;
}

talkrt_status talkrt_session_draw(talkrt_session* session, const talkrt_camera* camera, talkrt_view* view) {
  return guarded([&] {
    require(session, "session");
    talkrt_view full = read_struct(view, talkrt_view{}, "view");
    session->session->draw(read_struct(camera, talkrt_camera{}, "camera"), full);
    write_struct(full, view, "view");
  });
}

void talkrt_session_stats_init_sized(talkrt_session_stats* stats, size_t size) {
  init_struct(stats, talkrt_session_stats{}, size);
}

void(talkrt_session_stats_init)(talkrt_session_stats* stats) {
  talkrt_session_stats_init_sized(stats, offsetof(talkrt_session_stats, pinned_bytes));
}

talkrt_status talkrt_session_get_stats(talkrt_session* session, talkrt_session_stats* stats) {
  return guarded([&] {
    require(session, "session");
    write_struct(session->session->stats(), stats, "stats");
  });
}

talkrt_status talkrt_session_describe_json(talkrt_session* session, char** out) {
  return guarded([&] {
    require(session, "session");
    require(out, "out");
    *out = copied_string(session->session->describe_json());
  });
}

talkrt_status talkrt_session_get_channels(talkrt_session* session, float* values, size_t* count) {
  return guarded([&] {
    require(session, "session");
    require(count, "count");
    const auto channels = session->session->channels();
    if (values == nullptr && *count == 0) {  // only asks how many there are
      *count = channels.size();
      return;
    }
    require(values, "values");
    if (*count < channels.size()) {
      throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "*count is " + std::to_string(*count) + ", this model has " +
                                                     std::to_string(channels.size()) + " channels");
    }
    std::copy(channels.begin(), channels.end(), values);
    *count = channels.size();
  });
}
