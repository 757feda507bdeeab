// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/session_config.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/motion/motion_windows.hpp"
#include "engine/src/plan/message.hpp"

namespace talkrt::session {
namespace {

constexpr std::int64_t kMaxSide = 8192, kMaxSlots = 64;
constexpr std::int64_t kMaxCapacity = std::int64_t{1} << 40;  // keeps sizes in bytes far from overflow
constexpr std::int64_t kMaxFps = 240;
constexpr double kMaxCropEntry = 1e6, kLeastCropScale = 1.0 / 64, kMostCropScale = 64;

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

pipelines::PortraitSpec portrait(const talkrt_session_config& config, const plan::Manifest& manifest) {
  pipelines::PortraitSpec out;
  if (config.portrait == nullptr) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "session config: portrait is NULL, and a plan of model \"" +
                                                   manifest.model +
                                                   "\" animates a portrait: give a picture with a face");
  }
  out.pixels = config.portrait;
  out.width = static_cast<int>(in_range("portrait_width", config.portrait_width, 1, kMaxSide));
  out.height = static_cast<int>(in_range("portrait_height", config.portrait_height, 1, kMaxSide));
  out.channels = static_cast<int>(in_range("portrait_channels", config.portrait_channels, 3, 4));
  out.crop_only = in_range("portrait_crop_only", config.portrait_crop_only, 0, 1) == 1;
  const std::span<const double> m = config.portrait_crop;
  if (std::all_of(m.begin(), m.end(), [](double value) { return value == 0; })) {
    if (out.width != manifest.width || out.height != manifest.height) {
      refuse("portrait without portrait_crop", std::to_string(out.width) + " x " + std::to_string(out.height),
             "the plan's size, " + std::to_string(manifest.width) + " x " + std::to_string(manifest.height));
    }
    out.crop_only = true;
    return out;
  }
  out.to_crop = {m[0], m[1], m[2], m[3], m[4], m[5]};
  for (std::size_t i = 0; i < m.size(); ++i) {
    if (!(std::abs(m[i]) <= kMaxCropEntry)) {
      refuse("portrait_crop[" + std::to_string(i) + "]", plan::described(static_cast<float>(m[i])),
             "at most 1e6 in magnitude");
    }
  }
  const double size = std::abs(out.to_crop.determinant());  // pixels of the crop for one of the portrait
  if (!(size >= kLeastCropScale * kLeastCropScale && size <= kMostCropScale * kMostCropScale)) {
    refuse("portrait_crop", "a map that scales by " + plan::described(static_cast<float>(std::sqrt(size))),
           "1/64 to 64");
  }
  return out;
}

pipelines::DiffusionSpec diffusion(const talkrt_session_config& config, const plan::Vasa1Spec& model) {
  pipelines::DiffusionSpec out;
  out.steps = static_cast<int>(in_range("motion_steps", config.motion_steps, 0, model.steps));
  out.hop =
      config.motion_hop == 0
          ? 0
          : static_cast<int>(in_range("motion_hop", config.motion_hop, motion::kLeastHop, model.frames));
  out.eta = config.motion_eta;
  if (!(out.eta >= 0 && out.eta <= 1)) refuse("motion_eta", plan::described(out.eta), "0 to 1");
  out.guidance = config.motion_guidance;
  if (!(out.guidance <= 20)) refuse("motion_guidance", plan::described(out.guidance), "0 to 20, or negative");
  return out;
}

void refuse_portrait(const talkrt_session_config& config, const talkrt_session_config& defaults,
                     const plan::Manifest& manifest) {
  const auto refused = [&](const char* field) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT, std::string("session config: ") + field +
                                                   " is set, and a plan of model \"" + manifest.model +
                                                   "\" has no use for it");
  };
  if (config.portrait != nullptr) refused("portrait");
  if (config.motion_steps != defaults.motion_steps) refused("motion_steps");
  if (config.motion_hop != defaults.motion_hop) refused("motion_hop");
  if (config.motion_eta != defaults.motion_eta) refused("motion_eta");
  if (config.motion_guidance != defaults.motion_guidance) refused("motion_guidance");
}

void check_gpu_frames(const talkrt_session_config& config, bool on_gpu) {
  in_range("frame_memory", config.frame_memory, TALKRT_FRAMES_HOST, TALKRT_FRAMES_DEVICE);
  in_range("frames_ahead", config.frames_ahead, 0, kMaxFramesAhead);
  if (config.frame_memory == TALKRT_FRAMES_DEVICE && !on_gpu) {
    refuse("frame_memory", "TALKRT_FRAMES_DEVICE", "TALKRT_FRAMES_HOST: the CPU draws this session");
  }
  if (config.frames_ahead >= config.frame_slots) {
    refuse("frames_ahead", std::to_string(config.frames_ahead),
           "less than frame_slots, which is " + std::to_string(config.frame_slots));
  }
}

}  // namespace

talkrt_session_config default_session_config() {
  talkrt_session_config config{};
  config.struct_size = sizeof config;
  config.frame_slots = 3;
  config.seed = 1;
  config.idle_motion = 1;
  config.background = TALKRT_BACKGROUND_PLAN;
  config.portrait_channels = 3;
  config.motion_guidance = -1;
  return config;
}

CheckedConfig check_config(const talkrt_session_config& config, const plan::Manifest& manifest, bool on_gpu) {
  CheckedConfig out;
  pipelines::SessionSpec& spec = out.spec;
  int natural_width = manifest.width, natural_height = manifest.height;
  if (manifest.vasa1) {
    spec.portrait = portrait(config, manifest);
    spec.diffusion = diffusion(config, *manifest.vasa1);
    if (!spec.portrait.crop_only) {
      natural_width = spec.portrait.width;
      natural_height = spec.portrait.height;
    }
    if (config.background != TALKRT_BACKGROUND_PLAN) {
      refuse("background", std::to_string(static_cast<int>(config.background)),
             "TALKRT_BACKGROUND_PLAN: a portrait brings its own");
    }
  } else {
    refuse_portrait(config, default_session_config(), manifest);
  }
  spec.width = side("width", config.width, natural_width);
  spec.height = side("height", config.height, natural_height);
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
  check_gpu_frames(config, on_gpu);
  out.frames_on_host = config.frame_memory == TALKRT_FRAMES_HOST;
  out.frames_ahead = on_gpu ? config.frames_ahead : 0;
  out.format = static_cast<talkrt_pixel_format>(
      in_range("pixel_format", config.pixel_format, TALKRT_PIXELS_RGBA8, TALKRT_PIXELS_RGBA_F32));
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
