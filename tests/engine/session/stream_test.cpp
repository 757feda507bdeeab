// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <talkrt/error.hpp>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

TEST(Stream, empty_audio_has_no_frame) {
  const auto head = session();
  EXPECT_TRUE(frames_of(*head, {}).empty());
  std::vector<CopiedFrame> more;
  EXPECT_EQ(pull_all(*head, more), Pull::end_of_stream);
}

TEST(Stream, one_sample_has_one_frame) {
  const float sample = 0.1f;
  const auto frames = frames_of(*session(), {&sample, 1});
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].position, 0);
}

TEST(Stream, every_frame_time_before_the_end_has_a_frame_and_none_after) {
  const auto shared = engine();
  for (const std::size_t samples : {639u, 640u, 641u, 1280u, 5000u, 16000u, 16001u}) {
    const auto frames = frames_of(*session(at_fps(25), shared), voice(samples));
    ASSERT_EQ(frames.size(), (samples + 639) / 640) << samples;
    for (std::size_t k = 0; k < frames.size(); ++k) {
      EXPECT_EQ(frames[k].index, static_cast<std::int64_t>(k));
      EXPECT_EQ(frames[k].position, static_cast<std::int64_t>(640 * k));
    }
  }
}

TEST(Stream, pull_needs_audio_until_the_look_ahead_is_filled_and_not_longer) {
  const auto shared = engine();
  EXPECT_EQ(shared->load(kTinyPlan)->avatar().look_ahead(), kLookAhead);
  const auto head = session(at_fps(25), shared);
  // Frame 0 lies between the rows at -240 and 80; the one at 80 needs 1760 samples beyond itself.
  const auto audio = voice(80 + 1760 + 640);
  std::vector<CopiedFrame> frames;
  EXPECT_EQ(head->push(std::span(audio).first(1839), kRate), 1839u);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_TRUE(frames.empty());
  EXPECT_EQ(head->push(std::span(audio).subspan(1839, 1), kRate), 1u);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_EQ(head->push(std::span(audio).subspan(1840), kRate), 640u);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_EQ(frames.size(), 2u);
}

TEST(Stream, no_frame_waits_for_more_than_the_stated_look_ahead) {
  const auto shared = engine();
  for (const auto& [num, den] : {std::pair{25, 1}, {240, 1}, {1, 1}, {30000, 1001}, {37, 1}}) {
    const auto head = session(at_fps(num, den), shared);
    const auto audio = voice(2 * kRate);
    std::vector<CopiedFrame> frames;
    std::int64_t pushed = 0;
    const FrameClock clock(kRate, num, den);
    while (pushed < 2 * kRate) {
      pushed += static_cast<std::int64_t>(
          head->push(std::span(audio).subspan(static_cast<std::size_t>(pushed), 50), kRate));
      pull_all(*head, frames);
      std::int64_t due = 0;
      while (clock.position(due) + kLookAhead <= pushed) ++due;
      ASSERT_GE(static_cast<std::int64_t>(frames.size()), due) << num << "/" << den << " at " << pushed;
    }
  }
}

TEST(Stream, a_queue_smaller_than_the_look_ahead_still_flows) {
  talkrt_session_config config = default_session_config();
  const auto shared = engine();
  const auto audio = voice(8000);
  const auto expected = frames_of(*session(config, shared), audio);
  config.audio_capacity = 7;
  EXPECT_EQ(frames_of(*session(config, shared), audio), expected);
}

TEST(Stream, a_full_queue_takes_no_more_and_says_so) {
  talkrt_session_config config = default_session_config();
  config.audio_capacity = 1000;
  const auto head = session(config);
  const auto audio = voice(1500);
  EXPECT_EQ(head->push(audio, kRate), 1000u);
  EXPECT_EQ(head->push(audio, kRate), 0u);
  EXPECT_EQ(head->stats().audio_queued, 1000);
  std::vector<CopiedFrame> frames;
  pull_all(*head, frames);
  EXPECT_EQ(head->push(audio, kRate), 1000u);
}

TEST(Stream, audio_after_the_end_is_refused) {
  const auto head = session();
  const float sample = 0;
  head->finish();
  EXPECT_EQ(code_of([&] { (void)head->push({&sample, 1}, kRate); }), TALKRT_ERROR_FINISHED);
}

TEST(Stream, nan_and_infinity_are_refused_with_their_place_and_nothing_is_taken) {
  const auto head = session();
  auto audio = voice(500);
  (void)head->push(std::span(audio).first(100), kRate);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    audio[42] = bad;
    try {
      (void)head->push(audio, kRate);
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_BAD_AUDIO);
      EXPECT_NE(std::string(error.what()).find("sample 42"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("position 142"), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(head->stats().audio_pushed, 100);
}

TEST(Stream, another_sample_rate_is_refused_with_both) {
  const auto head = session();
  const float sample = 0;
  try {
    (void)head->push({&sample, 1}, 48000);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error.what()).find("48000"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("16000"), std::string::npos);
  }
}

TEST(Stream, stages_take_time_and_post_is_free) {
  const auto head = session();
  (void)head->push(voice(4000), kRate);
  talkrt_frame frame{};
  ASSERT_EQ(head->pull(frame), Pull::frame);
  for (const int stage :
       {TALKRT_STAGE_AUDIO, TALKRT_STAGE_MOTION, TALKRT_STAGE_DEFORM, TALKRT_STAGE_RENDER}) {
    EXPECT_GT(frame.stage_ns[stage], 0u) << stage;
  }
  EXPECT_EQ(frame.stage_ns[TALKRT_STAGE_POST], 0u);
  frame::FramePool::release(slot_of(frame));
}

}  // namespace
}  // namespace talkrt::session
