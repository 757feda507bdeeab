// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/session_config.hpp"

#include <string>
#include <talkrt/error.hpp>

namespace talkrt::session {
namespace {

constexpr std::int64_t kMaxSide = 8192, kMaxSlots = 64;
constexpr std::int64_t kMaxCapacity = std::int64_t{1} << 40;  // keeps sizes in bytes far from overflow
constexpr std::int64_t kMaxFps = 240;

[[noreturn]] void refuse(const std::string& field, const std::string& found, const std::string& expected) {
  throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
              "session config: " + field + " is " + found + ", expected " + expected);
}

std::int64_t in_range(const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    refuse(field, std::to_string(value), std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

int side(const char* field, std::int32_t value, int of_plan) {
  if (value == 0) return of_plan;
  return static_cast<int>(in_range(field, value, 1, kMaxSide));
}

render::BackdropSpec backdrop(const talkrt_session_config& config, int width, int height) {
  render::BackdropSpec out;
  switch (config.background) {
    case TALKRT_BACKGROUND_PLAN:
      break;
    case TALKRT_BACKGROUND_TRANSPARENT:
      out.source = render::BackdropSource::transparent;
      break;
    case TALKRT_BACKGROUND_COLOR:
      out.source = render::BackdropSource::color;
      for (std::size_t c = 0; c < 3; ++c) {
        out.color[c] = config.background_color[c];
        if (!(out.color[c] >= 0 && out.color[c] <= 1)) {
          refuse("background_color[" + std::to_string(c) + "]", std::to_string(out.color[c]), "0 to 1");
        }
      }
      break;
    case TALKRT_BACKGROUND_IMAGE:
      out.source = render::BackdropSource::image;
      if (config.background_image == nullptr) refuse("background_image", "NULL", "RGB8 pixels");
      if (config.background_image_width != width || config.background_image_height != height) {
        refuse("background_image",
               std::to_string(config.background_image_width) + " x " +
                   std::to_string(config.background_image_height),
               "the frame's size, " + std::to_string(width) + " x " + std::to_string(height));
      }
      out.image = {config.background_image, width, height};
      break;
    default:
      refuse("background", std::to_string(static_cast<int>(config.background)), "a talkrt_background");
  }
  return out;
}

}  // namespace

talkrt_session_config default_session_config() {
  talkrt_session_config config{};
  config.struct_size = sizeof config;
  config.frame_slots = 3;
  config.seed = 1;
  config.idle_motion = 1;
  config.background = TALKRT_BACKGROUND_PLAN;
  return config;
}

CheckedConfig check_config(const talkrt_session_config& config, const plan::Manifest& manifest) {
  CheckedConfig out;
  pipelines::SessionSpec& spec = out.spec;
  spec.width = side("width", config.width, manifest.width);
  spec.height = side("height", config.height, manifest.height);
  const bool plan_rate = config.fps_num == 0 && config.fps_den == 0;
  spec.fps_num = plan_rate ? manifest.fps_num : config.fps_num;
  spec.fps_den = plan_rate ? manifest.fps_den : config.fps_den;
  if (spec.fps_num < 1 || spec.fps_den < 1 || spec.fps_num < spec.fps_den ||
      spec.fps_num > kMaxFps * spec.fps_den) {
    refuse("fps_num / fps_den", std::to_string(spec.fps_num) + " / " + std::to_string(spec.fps_den),
           "1 to 240 frames per second");
  }
  spec.seed = config.seed;
  spec.idle_motion = in_range("idle_motion", config.idle_motion, 0, 1) == 1;
  spec.backdrop = backdrop(config, spec.width, spec.height);
  const auto slots = static_cast<int>(in_range("frame_slots", config.frame_slots, 1, kMaxSlots));
  if (manifest.is_scene()) return out;  // no audio, and no frames of its own
  out.frame_slots = slots;
  out.audio_capacity = config.audio_capacity == 0
                           ? std::int64_t{2} * manifest.sample_rate
                           : in_range("audio_capacity", config.audio_capacity, 1, kMaxCapacity);
  if (manifest.rows && !manifest.rows->encoder) {
    // The queue holds rows: as many as last as long, and enough for a frame.
    const std::int64_t rows =
        out.audio_capacity * manifest.fps_num / (std::int64_t{manifest.sample_rate} * manifest.fps_den);
    out.audio_capacity = std::max<std::int64_t>(rows, manifest.rows->after + 1) * manifest.rows->channels *
                         manifest.rows->row_width;
  }
  return out;
}

}  // namespace talkrt::session
