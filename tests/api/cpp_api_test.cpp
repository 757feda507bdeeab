// SPDX-License-Identifier: Apache-2.0
//
// The header-only C++ API over the shared library, as a host uses it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <talkrt/session.hpp>
#include <vector>

namespace {

const char* const kTinyPlan = TALKRT_TEST_DATA "/tiny.plan";

std::vector<float> tone(std::size_t count) {
  std::vector<float> samples(count);
  for (std::size_t i = 0; i < count; ++i) samples[i] = 0.3f * std::sin(0.07f * static_cast<float>(i));
  return samples;
}

talkrt::Model tiny() { return {talkrt::Engine(), kTinyPlan}; }

TEST(CppApi, speech_in_frames_out) {
  const talkrt::Model model = tiny();
  EXPECT_STREQ(model.info().name, "tiny");
  EXPECT_EQ(model.emotions().size(), 8u);
  talkrt::SessionConfig config;
  config.fps_num = 50;
  config.fps_den = 1;
  talkrt::Session session(model, config);
  talkrt::Frame frame;
  EXPECT_EQ(session.pull(frame), talkrt::Pull::need_audio);
  EXPECT_EQ(session.push_audio(tone(3200), 16000), 3200u);
  session.finish_audio();
  for (int k = 0; k < 10; ++k) {
    ASSERT_EQ(session.pull(frame), talkrt::Pull::frame);
    EXPECT_EQ(frame.index(), k);
    EXPECT_EQ(frame.audio_position(), 320 * k);
    EXPECT_EQ(frame.row(63).size(), 256u);
    EXPECT_EQ(frame.row(0)[3], 255);
  }
  EXPECT_EQ(session.pull(frame), talkrt::Pull::end_of_stream);
  EXPECT_EQ(session.stats().frames, 10);
  EXPECT_EQ(session.channels().size(), 19u);
}

TEST(CppApi, frames_move_and_keep_their_pixels) {
  talkrt::Session session(tiny());
  (void)session.push_audio(tone(16000), 16000);
  std::vector<talkrt::Frame> held(3);
  for (talkrt::Frame& frame : held) ASSERT_EQ(session.pull(frame), talkrt::Pull::frame);
  talkrt::Frame moved = std::move(held[0]);
  const std::vector<std::uint8_t> row(moved.row(32).begin(), moved.row(32).end());
  talkrt::Frame next;
  EXPECT_THROW((void)session.pull(next), talkrt::Error);
  held.clear();
  ASSERT_EQ(session.pull(next), talkrt::Pull::frame);
  EXPECT_EQ(next.index(), 3);
  EXPECT_TRUE(std::equal(row.begin(), row.end(), moved.row(32).begin()));
}

TEST(CppApi, pull_into_checks_the_size_of_the_memory) {
  talkrt::Session session(tiny());
  (void)session.push_audio(tone(16000), 16000);
  talkrt::Frame frame;
  std::vector<std::uint8_t> pixels(64 * 64 * 4 - 1);
  EXPECT_THROW((void)session.pull_into(pixels, 256, frame), talkrt::Error);
  pixels.push_back(0);
  EXPECT_EQ(session.pull_into(pixels, 256, frame), talkrt::Pull::frame);
  EXPECT_EQ(frame.index(), 0);
}

TEST(CppApi, errors_carry_code_and_message) {
  const talkrt::Engine engine;
  try {
    const talkrt::Model model(engine, "/nonexistent/x.plan");
    ADD_FAILURE();
  } catch (const talkrt::Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_NOT_FOUND);
    EXPECT_NE(std::strstr(error.what(), "/nonexistent/x.plan"), nullptr);
  }
  EXPECT_THROW((void)tiny().emotion("bored"), talkrt::Error);
  EXPECT_EQ(tiny().emotion("sad"), 2);
}

TEST(CppApi, may_evict_lives_as_long_as_its_engine_and_what_it_throws_is_no) {
  talkrt::EngineConfig config;
  config.host_budget_bytes = tiny().info().host_bytes + 1000;  // and no session beside it
  const auto alive = std::make_shared<int>(0);
  int asked = 0;
  std::optional<talkrt::Engine> engine(std::in_place, config, [alive, &asked](std::string_view) -> bool {
    ++asked;
    throw std::runtime_error("no");
  });
  {
    const talkrt::Model idle(*engine, kTinyPlan);
  }
  std::unique_ptr<talkrt::Model> model;
  EXPECT_THROW(model = std::make_unique<talkrt::Model>(*engine, TALKRT_TEST_DATA "/tiny_scene.plan"),
               talkrt::Error);
  EXPECT_EQ(asked, 1);
  model = std::make_unique<talkrt::Model>(*engine, kTinyPlan);
  engine.reset();
  EXPECT_EQ(alive.use_count(), 2);
  model.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(CppApi, handles_copy_and_release_in_any_order) {
  std::optional<talkrt::Engine> engine(std::in_place);
  std::optional<talkrt::Model> model(std::in_place, *engine, kTinyPlan);
  const talkrt::Model copy = *model;
  engine.reset();
  model.reset();
  std::optional<talkrt::Session> session(std::in_place, copy);
  (void)session->push_audio(tone(8000), 16000);
  talkrt::Frame frame;
  ASSERT_EQ(session->pull(frame), talkrt::Pull::frame);
  session.reset();
  EXPECT_EQ(frame.row(0)[3], 255);
}

TEST(CppApi, interrupt_and_controls) {
  talkrt::Session session(tiny());
  talkrt::Controls controls;
  controls.emotion = 1;
  session.set_controls(controls);
  controls.head_distance = 9;
  EXPECT_THROW(session.set_controls(controls), talkrt::Error);
  (void)session.push_audio(tone(16000), 16000);
  session.interrupt();
  talkrt::Frame frame;
  EXPECT_EQ(session.pull(frame), talkrt::Pull::need_audio);
  EXPECT_EQ(session.stats().audio_dropped, 16000);
}

TEST(CppApi, a_head_is_drawn_from_another_camera) {
  const talkrt::Model model = tiny();
  talkrt::Session session(model);
  EXPECT_EQ(session.push_audio(tone(8000), 16000), 8000u);
  talkrt::Frame frame;
  ASSERT_EQ(session.pull(frame), talkrt::Pull::frame);
  const talkrt::Camera camera = model.camera();
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(4 * camera.width * camera.height));
  talkrt::View view;
  view.rgba8 = pixels.data();
  view.rgba8_stride = 4 * camera.width;
  session.draw(camera, view);
  for (int y = 0; y < camera.height; ++y) {
    const auto row = frame.row(y);
    EXPECT_EQ(std::memcmp(row.data(), pixels.data() + view.rgba8_stride * y, row.size()), 0) << y;
  }
  talkrt::Camera broken = model.camera(30, 20);
  broken.viewmat[0] = 2;
  EXPECT_THROW(session.draw(broken, view), talkrt::Error);
}

}  // namespace
