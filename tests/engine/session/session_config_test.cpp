// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/session_config.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::session {
namespace {

plan::Manifest manifest() {
  plan::Manifest m;
  m.sample_rate = 16000;
  m.width = 512;
  m.height = 384;
  m.fps_num = 30;
  m.fps_den = 1;
  return m;
}

void refused(const char* field, const std::function<void(talkrt_session_config&)>& change) {
  talkrt_session_config config = default_session_config();
  change(config);
  try {
    (void)check_config(config, manifest());
    ADD_FAILURE() << field << " was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error.what()).find(field), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("expected"), std::string::npos) << error.what();
  }
}

TEST(SessionConfig, zeros_mean_the_plans_values) {
  const CheckedConfig checked = check_config(default_session_config(), manifest());
  EXPECT_EQ(checked.spec.width, 512);
  EXPECT_EQ(checked.spec.height, 384);
  EXPECT_EQ(checked.spec.fps_num, 30);
  EXPECT_EQ(checked.audio_capacity, 32000);
  EXPECT_TRUE(checked.spec.idle_motion);
}

TEST(SessionConfig, what_is_out_of_range_is_refused_by_name_value_and_range) {
  refused("width", [](auto& c) { c.width = 8193; });
  refused("height", [](auto& c) { c.height = -1; });
  refused("fps", [](auto& c) { c.fps_num = 241, c.fps_den = 1; });
  refused("fps", [](auto& c) { c.fps_num = 1, c.fps_den = 2; });
  refused("fps", [](auto& c) { c.fps_num = 25; });
  refused("fps", [](auto& c) { c.fps_num = -25, c.fps_den = -1; });
  refused("frame_slots", [](auto& c) { c.frame_slots = 0; });
  refused("frame_slots", [](auto& c) { c.frame_slots = 65; });
  refused("audio_capacity", [](auto& c) { c.audio_capacity = -5; });
  refused("idle_motion", [](auto& c) { c.idle_motion = 2; });
  refused("background", [](auto& c) { c.background = static_cast<talkrt_background>(9); });
  refused("background_color[1]", [](auto& c) {
    c.background = TALKRT_BACKGROUND_COLOR;
    c.background_color[1] = 1.5f;
  });
  refused("background_image", [](auto& c) { c.background = TALKRT_BACKGROUND_IMAGE; });
  refused("background_image", [](auto& c) {
    static const std::uint8_t pixel[3] = {};
    c.background = TALKRT_BACKGROUND_IMAGE;
    c.background_image = pixel;
    c.background_image_width = c.background_image_height = 1;
  });
}

}  // namespace
}  // namespace talkrt::session
