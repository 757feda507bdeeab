// SPDX-License-Identifier: Apache-2.0
//
// One head, talking: push audio, pull frames; or one scene. Both are drawn from any camera. One thread may
// push while another one pulls and draws; interrupt, set_controls and stats may be called from any thread.
// Keeps its model alive.
#pragma once

#include <talkrt/talkrt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <talkrt/error.hpp>
#include <talkrt/frame.hpp>
#include <talkrt/handle.hpp>
#include <talkrt/model.hpp>
#include <talkrt/view.hpp>
#include <vector>

namespace talkrt {

struct SessionConfig : talkrt_session_config {
  SessionConfig() : talkrt_session_config{} { talkrt_session_config_init(this); }

  /// The face to animate, RGB8 or RGBA8 [rows, columns, channels], packed; borrowed until the session is
  /// made. `crop` [2, 3] leads from its pixels to those of the crop that the networks see.
  void set_portrait(std::span<const std::uint8_t> pixels, int columns, int rows, int channels,
                    std::span<const double, 6> crop) {
    if (columns < 1 || rows < 1 || channels < 1 ||
        pixels.size() != static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) *
                             static_cast<std::size_t>(channels)) {
      throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "portrait holds " + std::to_string(pixels.size()) +
                                                     " bytes, expected rows * columns * channels");
    }
    portrait = pixels.data();
    portrait_width = columns;
    portrait_height = rows;
    portrait_channels = channels;
    std::copy(crop.begin(), crop.end(), portrait_crop);
  }
};

struct Controls : talkrt_controls {
  Controls() : talkrt_controls{} { talkrt_controls_init(this); }
};

struct SessionStats : talkrt_session_stats {
  SessionStats() : talkrt_session_stats{} { talkrt_session_stats_init(this); }
};

/// What a pull found. Running dry is normal in a live call, so it is a value, not an error.
enum class Pull { frame = TALKRT_OK, need_audio = TALKRT_NEED_AUDIO, end_of_stream = TALKRT_END_OF_STREAM };

class Session {
 public:
  /// Throws Error: INVALID_ARGUMENT, OUT_OF_BUDGET, OUT_OF_MEMORY, and then leaves nothing behind.
  explicit Session(const Model& model, const SessionConfig& config = {}) {
    talkrt_session* session = nullptr;
    check(talkrt_session_create(model.get(), &config, &session));
    handle_ = decltype(handle_)(session);
  }

  /// Returns how many samples fitted; push the rest after a pull. Never waits.
  /// Throws Error: INVALID_ARGUMENT for another rate than the model's, BAD_AUDIO, FINISHED.
  [[nodiscard]] std::size_t push_audio(std::span<const float> samples, int sample_rate) {
    std::size_t accepted = 0;
    check(talkrt_session_push_audio(handle_.get(), samples.data(), samples.size(), sample_rate, &accepted));
    return accepted;
  }
  /// Rows of features, [rows, row_floats]; returns how many rows fitted. Throws Error: UNSUPPORTED.
  [[nodiscard]] std::size_t push_features(std::span<const float> rows, std::size_t row_floats) {
    std::size_t accepted = 0;
    const std::size_t count = row_floats == 0 ? 0 : rows.size() / row_floats;
    check(talkrt_session_push_features(handle_.get(), rows.data(), count, row_floats, &accepted));
    return accepted;
  }
  void finish_audio() { check(talkrt_session_finish_audio(handle_.get())); }
  void interrupt() { check(talkrt_session_interrupt(handle_.get())); }
  void set_controls(const Controls& controls) {
    check(talkrt_session_set_controls(handle_.get(), &controls));
  }

  /// Renders the next frame; the one that `frame` held before is given back first.
  /// Throws Error: FRAMES_HELD, BACKEND_FAILED, OUT_OF_BUDGET.
  [[nodiscard]] Pull pull(Frame& frame) {
    frame.reset();
    const talkrt_status status = talkrt_session_pull(handle_.get(), &frame.record_);
    check(status);
    return static_cast<Pull>(status);
  }
  /// The same into the caller's memory: RGBA8, rows `stride` bytes apart; `frame` then has no pixels.
  [[nodiscard]] Pull pull_into(std::span<std::uint8_t> pixels, std::int64_t stride, Frame& frame) {
    frame.reset();
    const SessionStats size = stats();
    if (stride >= 0 &&
        pixels.size() < static_cast<std::size_t>((size.height - 1) * stride + 4 * size.width)) {
      throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "pixels holds " + std::to_string(pixels.size()) +
                                                     " bytes, less than a frame of that stride");
    }
    const talkrt_status status =
        talkrt_session_pull_into(handle_.get(), pixels.data(), stride, &frame.record_);
    check(status);
    return static_cast<Pull>(status);
  }

  /// Draws what is shown now (a scene, or the head as in its last frame) into the memory that `view` names,
  /// which must hold pictures of the camera's size. Throws Error: INVALID_ARGUMENT, OUT_OF_BUDGET,
  /// OUT_OF_MEMORY.
  void draw(const Camera& camera, View& view) { check(talkrt_session_draw(handle_.get(), &camera, &view)); }

  [[nodiscard]] SessionStats stats() const {
    SessionStats stats;
    check(talkrt_session_get_stats(handle_.get(), &stats));
    return stats;
  }
  /// Look-ahead and what graphs have done, as a JSON object.
  [[nodiscard]] std::string describe_json() const {
    char* text = nullptr;
    check(talkrt_session_describe_json(handle_.get(), &text));
    return taken(text);
  }
  /// Numbers that the last frame shows: channels in the order of the manifest's gaussian.channels, or a
  /// portrait's keypoints.
  [[nodiscard]] std::vector<float> channels() const {
    std::size_t count = 0;
    check(talkrt_session_get_channels(handle_.get(), nullptr, &count));
    std::vector<float> values(count);
    if (count > 0) check(talkrt_session_get_channels(handle_.get(), values.data(), &count));
    return values;
  }
  [[nodiscard]] talkrt_session* get() const noexcept { return handle_.get(); }

 private:
  Handle<talkrt_session, talkrt_session_retain, talkrt_session_release> handle_;
};

}  // namespace talkrt
