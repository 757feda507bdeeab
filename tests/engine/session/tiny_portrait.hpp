// SPDX-License-Identifier: Apache-2.0
//
// Sessions of tests/data/tiny_vasa1.plan: a synthetic picture, larger than the face in it.
#pragma once

#include <array>
#include <vector>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {

inline const std::string kPortraitPlan = TALKRT_TEST_DATA "/tiny_vasa1.plan";
inline constexpr int kPictureWidth = 150, kPictureHeight = 120, kWindow = 20;  // pixels; frames

inline std::vector<std::uint8_t> picture(int shade = 0) {
  std::vector<std::uint8_t> out;
  for (int y = 0; y < kPictureHeight; ++y) {
    for (int x = 0; x < kPictureWidth; ++x) {
      for (const int value : {x + y + shade, 255 - x, 2 * y}) out.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return out;
}

/// Borrows `pixels`.
inline talkrt_session_config portrait_config(const std::vector<std::uint8_t>& pixels, int hop = 5) {
  talkrt_session_config config = default_session_config();
  config.portrait = pixels.data();
  config.portrait_width = kPictureWidth;
  config.portrait_height = kPictureHeight;
  constexpr std::array<double, 6> crop{1.394, 0.2826, -52.23, -0.2826, 1.394, -8.2};  // turned, about a face
  std::copy(crop.begin(), crop.end(), config.portrait_crop);
  config.motion_steps = 4;
  config.motion_hop = hop;
  return config;
}

inline std::shared_ptr<Session> portrait_session(const std::shared_ptr<Engine>& shared, int shade = 0,
                                                 int hop = 5) {
  const auto pixels = picture(shade);
  return Session::create(shared, shared->load(kPortraitPlan), portrait_config(pixels, hop));
}

}  // namespace talkrt::session
