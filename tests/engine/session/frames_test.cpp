// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <talkrt/error.hpp>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

TEST(Frames, all_held_is_an_error_that_a_release_cures_without_losing_a_frame) {
  talkrt_session_config config = at_fps(25);
  config.frame_slots = 2;
  const auto head = session(config);
  (void)head->push(voice(16000), kRate);
  talkrt_frame a{}, b{}, c{};
  ASSERT_EQ(head->pull(a), Pull::frame);
  ASSERT_EQ(head->pull(b), Pull::frame);
  for (int tries = 0; tries < 3; ++tries) {
    try {
      (void)head->pull(c);
      ADD_FAILURE() << "a third of two slots";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_FRAMES_HELD);
    }
  }
  frame::FramePool::release(slot_of(a));
  ASSERT_EQ(head->pull(c), Pull::frame);
  EXPECT_EQ(c.index, 2);
  EXPECT_EQ(c.pixels, a.pixels);  // the slot that was free
  frame::FramePool::release(slot_of(b));
  frame::FramePool::release(slot_of(c));
}

TEST(Frames, held_pixels_do_not_change_while_others_are_rendered) {
  const auto head = session(at_fps(25));
  (void)head->push(voice(32000), kRate);
  talkrt_frame held{};
  ASSERT_EQ(head->pull(held), Pull::frame);
  const std::vector<std::uint8_t> before(held.pixels, held.pixels + held.stride * held.height);
  std::vector<CopiedFrame> others;
  pull_all(*head, others);
  EXPECT_GT(others.size(), 20u);
  EXPECT_EQ(std::memcmp(before.data(), held.pixels, before.size()), 0);
  frame::FramePool::release(slot_of(held));
}

TEST(Frames, a_held_frame_outlives_session_model_and_engine) {
  talkrt_frame held{};
  std::weak_ptr<Engine> gone;
  {
    auto shared = engine();
    gone = shared;
    auto head = session(at_fps(25), shared);
    (void)head->push(voice(8000), kRate);
    ASSERT_EQ(head->pull(held), Pull::frame);
  }
  EXPECT_FALSE(gone.expired());
  std::uint64_t sum = 0;
  for (int i = 0; i < held.stride * held.height; ++i) sum += held.pixels[i];
  EXPECT_GT(sum, 0u);
  frame::FramePool::release(slot_of(held));
  EXPECT_TRUE(gone.expired());
}

TEST(Frames, pull_into_writes_the_same_pixels_into_the_callers_rows_and_nothing_between) {
  const auto shared = engine();
  const auto audio = voice(6000);
  const auto expected = frames_of(*session(at_fps(25), shared), audio);
  const auto head = session(at_fps(25), shared);
  (void)head->push(audio, kRate);
  head->finish();
  const std::int64_t stride = 64 * 4 + 12;
  std::vector<std::uint8_t> memory(static_cast<std::size_t>(stride) * 64);
  for (const CopiedFrame& frame : expected) {
    std::fill(memory.begin(), memory.end(), 0xAB);
    talkrt_frame got{};
    ASSERT_EQ(head->pull_into({memory.data(), stride}, got), Pull::frame);
    EXPECT_EQ(got.index, frame.index);
    EXPECT_EQ(got.pixels, nullptr);
    EXPECT_EQ(got.slot, nullptr);
    EXPECT_EQ(got.stride, stride);
    for (std::size_t y = 0; y < 64; ++y) {
      const std::uint8_t* row = memory.data() + y * static_cast<std::size_t>(stride);
      ASSERT_EQ(std::memcmp(row, frame.pixels.data() + y * 256, 256), 0);
      for (std::size_t x = 256; x < static_cast<std::size_t>(stride); ++x) ASSERT_EQ(row[x], 0xAB);
    }
  }
}

TEST(Frames, any_size_is_rendered_and_backgrounds_are_what_was_asked_for) {
  const auto shared = engine();
  const auto audio = voice(641);
  for (const auto& [width, height] : {std::pair{1, 1}, {17, 5}, {64, 96}, {333, 64}}) {
    talkrt_session_config config = at_fps(25);
    config.width = width;
    config.height = height;
    config.background = TALKRT_BACKGROUND_COLOR;
    config.background_color[0] = 1.0f;
    const auto frames = frames_of(*session(config, shared), audio);
    ASSERT_EQ(frames.size(), 2u);
    ASSERT_EQ(frames[0].pixels.size(), static_cast<std::size_t>(4 * width * height));
    EXPECT_EQ(frames[0].pixels[3], 255);
  }
  talkrt_session_config config = at_fps(25);
  config.background = TALKRT_BACKGROUND_TRANSPARENT;
  const auto clear = frames_of(*session(config, shared), audio);
  EXPECT_EQ(clear[0].pixels[3], 0) << "the corner shows no head";

  std::vector<std::uint8_t> picture(64 * 64 * 3, 77);
  config.background = TALKRT_BACKGROUND_IMAGE;
  config.background_image = picture.data();
  config.background_image_width = config.background_image_height = 64;
  const auto head = session(config, shared);
  std::fill(picture.begin(), picture.end(), 0);  // the session has its copy
  const auto pictured = frames_of(*head, audio);
  EXPECT_EQ(pictured[0].pixels[0], 77);
  EXPECT_EQ(pictured[0].pixels[3], 255);
}

TEST(Frames, a_closer_head_than_ever_grows_the_scratch_and_says_so) {
  static int warnings = 0;
  EngineConfig config;
  config.log = {[](void*, talkrt_log_level level, const char*) { warnings += level == TALKRT_LOG_WARNING; },
                nullptr, TALKRT_LOG_INFO};
  auto shared = engine(config);
  talkrt_session_config big = at_fps(25);
  big.width = big.height = 2048;
  big.frame_slots = 1;  // the renderer keeps a picture too, and the plan allows 64 MiB
  const auto head = session(big, shared);
  talkrt_controls near = motion::default_controls();
  near.head_distance = 0.5f;
  head->set_controls(near);
  (void)head->push(voice(4000), kRate);
  const auto before = head->stats().host_bytes;
  talkrt_frame frame{};
  ASSERT_EQ(head->pull(frame), Pull::frame);
  frame::FramePool::release(slot_of(frame));
  EXPECT_EQ(warnings > 0, head->stats().host_bytes > before);
}

}  // namespace
}  // namespace talkrt::session
