// SPDX-License-Identifier: Apache-2.0
//
// One portrait and a voice: what is taken, refused, kept and dropped.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/engine/session/tiny_portrait.hpp"

namespace talkrt::session {
namespace {

std::string refusal(talkrt_status code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(Portrait, bad_wishes_are_refused_with_field_value_and_what_was_expected) {
  const auto shared = engine(with_threads(1));
  const auto model = shared->load(kPortraitPlan);
  const auto pixels = picture();
  using Change = void (*)(talkrt_session_config&);
  const std::pair<Change, const char*> cases[] = {
      {[](auto& c) { c.portrait = nullptr; }, "portrait is NULL"},
      {[](auto& c) { c.portrait_width = 0; }, "portrait_width is 0, expected 1 to 8192"},
      {[](auto& c) { c.portrait_height = -3; }, "portrait_height is -3, expected 1 to 8192"},
      {[](auto& c) { c.portrait_width = 8193; }, "portrait_width is 8193, expected 1 to 8192"},
      {[](auto& c) { c.portrait_channels = 1; }, "portrait_channels is 1, expected 3 to 4"},
      {[](auto& c) { c.portrait_crop_only = 2; }, "portrait_crop_only is 2"},
      {[](auto& c) { c.portrait_crop[0] = std::numeric_limits<double>::quiet_NaN(); },
       "portrait_crop[0] is nan"},
      {[](auto& c) { c.portrait_crop[5] = std::numeric_limits<double>::infinity(); },
       "portrait_crop[5] is inf"},
      {[](auto& c) { c.portrait_crop[0] = c.portrait_crop[1] = 0; },
       "portrait_crop is a map that scales by 0"},
      {[](auto& c) { c.motion_steps = -1; }, "motion_steps is -1, expected 0 to 10"},
      {[](auto& c) { c.motion_steps = 11; }, "motion_steps is 11, expected 0 to 10"},
      {[](auto& c) { c.motion_hop = 21; }, "motion_hop is 21, expected 4 to 20"},
      {[](auto& c) { c.motion_eta = std::numeric_limits<float>::quiet_NaN(); }, "motion_eta is nan"},
      {[](auto& c) { c.motion_guidance = std::numeric_limits<float>::quiet_NaN(); },
       "motion_guidance is nan"},
      {[](auto& c) { c.motion_guidance = 20.5f; }, "motion_guidance is 20.5"},
  };
  for (const auto& [change, expected] : cases) {
    talkrt_session_config config = portrait_config(pixels);
    change(config);
    const std::string message =
        refusal(TALKRT_ERROR_INVALID_ARGUMENT, [&] { (void)Session::create(shared, model, config); });
    EXPECT_NE(message.find(expected), std::string::npos) << message << "\nlacks: " << expected;
  }
  const talkrt_session_config config = portrait_config(pixels);
  const auto head = shared->load(kTinyPlan);
  const std::string message =
      refusal(TALKRT_ERROR_INVALID_ARGUMENT, [&] { (void)Session::create(shared, head, config); });
  EXPECT_NE(message.find("portrait is set"), std::string::npos) << message;
}

TEST(Portrait, belongs_to_its_session_and_pixels_may_change_afterwards) {
  const auto shared = engine(with_threads(1));
  const auto audio = voice(6000);
  const auto expected = frames_of(*portrait_session(shared), audio);
  auto pixels = picture();
  const auto head = Session::create(shared, shared->load(kPortraitPlan), portrait_config(pixels));
  std::fill(pixels.begin(), pixels.end(), std::uint8_t{77});
  std::vector<CopiedFrame> frames;
  (void)head->push(audio, kRate);
  EXPECT_EQ(pull_all(*head, frames, 2), Pull::frame);
  // Another portrait, speaking at the same time, is another session.
  EXPECT_NE(frames_of(*portrait_session(shared, 40), audio), expected);
  head->finish();
  EXPECT_EQ(pull_all(*head, frames), Pull::end_of_stream);
  EXPECT_EQ(frames, expected);
}

TEST(Portrait, an_interrupt_in_the_middle_of_a_window_drops_it_and_goes_on) {
  const auto shared = engine(with_threads(1));
  const auto head = portrait_session(shared, 0, 0);  // whole windows
  const auto audio = voice(2 * kWindow * 640);
  std::vector<CopiedFrame> frames;
  (void)head->push(std::span(audio).first(kWindow * 640 / 2), kRate);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);  // half of a window makes no frame
  head->cut();
  EXPECT_EQ(head->stats().audio_dropped, kWindow * 640 / 2);
  (void)head->push(std::span(audio).first(kWindow * 640), kRate);
  EXPECT_EQ(pull_all(*head, frames, 7), Pull::frame);  // of a window that was made whole
  head->cut();
  (void)head->push(std::span(audio).first(3 * 640), kRate);
  head->finish();
  EXPECT_EQ(pull_all(*head, frames), Pull::end_of_stream);
  ASSERT_EQ(frames.size(), 10u);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_TRUE(std::all_of(frames[i].channels.begin(), frames[i].channels.end(),
                            [](float value) { return std::isfinite(value); }));
    EXPECT_TRUE(i == 0 || frames[i].position > frames[i - 1].position);
  }
}

TEST(Portrait, all_that_a_session_takes_is_on_the_account_and_too_little_is_refused_with_a_breakdown) {
  std::uint64_t loaded = 0, whole = 0;
  {
    const auto shared = engine(with_threads(1));
    const auto model = shared->load(kPortraitPlan);
    loaded = shared->budget().used(device::MemoryKind::host);
    const auto head = portrait_session(shared);
    whole = shared->budget().used(device::MemoryKind::host);
    (void)frames_of(*head, voice(9000));
    EXPECT_EQ(shared->budget().used(device::MemoryKind::host), whole);
    EXPECT_GT(head->stats().host_bytes, 4u << 20);  // warp and picture compute in 2 MB each
  }
  for (const double share : {0.1, 0.5, 0.9}) {
    EngineConfig config = with_threads(1);
    config.host_budget = loaded + static_cast<std::uint64_t>(share * static_cast<double>(whole - loaded));
    const auto shared = engine(config);
    const auto model = shared->load(kPortraitPlan);
    const auto before = shared->budget().used(device::MemoryKind::host);
    const std::string message = refusal(TALKRT_ERROR_OUT_OF_BUDGET, [&] { (void)portrait_session(shared); });
    EXPECT_NE(message.find("held now"), std::string::npos) << message;
    EXPECT_LE(shared->budget().used(device::MemoryKind::host), before + (1u << 20));  // a portrait may stay
  }
  EngineConfig config = with_threads(1);
  config.host_budget = loaded / 2;
  const auto small = engine(config);
  const std::string message = refusal(TALKRT_ERROR_OUT_OF_BUDGET, [&] { (void)small->load(kPortraitPlan); });
  EXPECT_NE(message.find("memory budget exceeded"), std::string::npos) << message;
}

}  // namespace
}  // namespace talkrt::session
