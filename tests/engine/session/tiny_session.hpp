// SPDX-License-Identifier: Apache-2.0
//
// Sessions of tests/data/tiny.plan, a voice for them, and frames copied out.
#pragma once

#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <string>
#include <talkrt/error.hpp>
#include <vector>

#include "engine/src/frame/frame_pool.hpp"
#include "engine/src/motion/controls.hpp"
#include "engine/src/session/engine.hpp"
#include "engine/src/session/session.hpp"

namespace talkrt::session {

inline const std::string kTinyPlan = TALKRT_TEST_DATA "/tiny.plan";
inline constexpr int kRate = 16000;      // of the tiny plan, Hz
inline constexpr int kLookAhead = 2079;  // samples: 1760 of the network, 319 of interpolation

inline std::shared_ptr<Engine> engine(EngineConfig config = {}) {
  if (std::getenv("TALKRT_ONNXRUNTIME") == nullptr) {
    throw std::runtime_error(
        "set TALKRT_ONNXRUNTIME to the libonnxruntime.so of an installed onnxruntime wheel");
  }
  return std::make_shared<Engine>(std::move(config));
}

inline EngineConfig with_threads(int threads) {
  EngineConfig config;
  config.threads = threads;
  return config;
}

inline std::shared_ptr<Session> session(talkrt_session_config config = default_session_config(),
                                        std::shared_ptr<Engine> shared = engine()) {
  auto model = shared->load(kTinyPlan);
  return Session::create(std::move(shared), std::move(model), config);
}

/// Syllables and pauses.
inline std::vector<float> voice(std::size_t samples) {
  std::vector<float> out(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / kRate;
    const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 4 * t));
    const double phrase = std::fmod(t, 1.2) < 0.9 ? 1.0 : 0.0;
    out[i] =
        static_cast<float>(0.4 * phrase * syllable * std::sin(2 * std::numbers::pi * (180 + 40 * t) * t));
  }
  return out;
}

/// What a call throws, or OK.
inline talkrt_status code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return TALKRT_OK;
}

struct CopiedFrame {
  std::int64_t index = 0, position = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<float> channels;
  bool operator==(const CopiedFrame&) const = default;
};

inline frame::FrameSlot& slot_of(const talkrt_frame& frame) {
  return *reinterpret_cast<frame::FrameSlot*>(frame.slot);
}

/// Of all planes.
inline std::int64_t rows_of(const talkrt_frame& frame) {
  const auto format = static_cast<talkrt_pixel_format>(frame.pixel_format);
  return frame::PixelLayout{frame.width, frame.height, format}.rows();
}
/// That have a meaning.
inline std::int64_t row_bytes_of(const talkrt_frame& frame) {
  switch (frame.pixel_format) {
    case TALKRT_PIXELS_NV12:
      return frame.width + frame.width % 2;
    case TALKRT_PIXELS_RGBA_F32:
      return std::int64_t{16} * frame.width;
    default:
      return std::int64_t{4} * frame.width;
  }
}

/// Pulls until something else than a frame comes, and returns that.
inline Pull pull_all(Session& session, std::vector<CopiedFrame>& out, std::size_t most = SIZE_MAX) {
  while (most-- > 0) {
    talkrt_frame frame{};
    const Pull outcome = session.pull(frame);
    if (outcome != Pull::frame) return outcome;
    CopiedFrame copy{frame.index, frame.audio_position, {}, {}};
    for (std::int64_t y = 0; y < rows_of(frame); ++y) {
      const std::uint8_t* row = frame.pixels + y * frame.stride;
      copy.pixels.insert(copy.pixels.end(), row, row + row_bytes_of(frame));
    }
    copy.channels.assign(session.channels().begin(), session.channels().end());
    out.push_back(std::move(copy));
    frame::FramePool::release(slot_of(frame));
  }
  return Pull::frame;
}

/// All frames of one stream, pushed as fast as it is taken.
inline std::vector<CopiedFrame> frames_of(Session& session, std::span<const float> audio) {
  std::vector<CopiedFrame> out;
  while (!audio.empty()) {
    audio = audio.subspan(session.push(audio, kRate));
    if (pull_all(session, out) == Pull::end_of_stream) throw std::runtime_error("ended early");
  }
  session.finish();
  if (pull_all(session, out) != Pull::end_of_stream) throw std::runtime_error("did not end");
  return out;
}

inline talkrt_session_config at_fps(int num, int den = 1) {
  talkrt_session_config config = default_session_config();
  config.fps_num = num;
  config.fps_den = den;
  return config;
}

}  // namespace talkrt::session
