// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

constexpr std::size_t kJaw = 6;  // jawOpen among the tiny plan's channels
constexpr std::size_t kHeadYaw = 14;

talkrt_session_config still(int fps) {
  talkrt_session_config config = at_fps(fps);
  config.idle_motion = 0;
  return config;
}

TEST(Interrupt, drops_what_is_queued_and_goes_on_with_the_next_sample_pushed) {
  const auto head = session(at_fps(25));
  std::vector<CopiedFrame> frames;
  (void)head->push(voice(10000), kRate);
  pull_all(*head, frames, 5);  // frames 0 to 4; frame 5 would be at 3200
  head->cut();
  EXPECT_EQ(head->stats().audio_queued, 0);
  EXPECT_EQ(head->stats().audio_dropped, 10000 - 3200);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_EQ(frames.size(), 5u);
  EXPECT_EQ(head->stats().audio_dropped, 10000 - 3200);

  (void)head->push(voice(4000), kRate);
  pull_all(*head, frames);
  ASSERT_GT(frames.size(), 5u);
  EXPECT_EQ(frames[5].index, 16);  // the first frame time at or after 10000
  EXPECT_EQ(frames[5].position, 10240);
  EXPECT_EQ(frames[6].position, 10880);
}

TEST(Interrupt, opens_a_finished_stream_again) {
  const auto head = session(at_fps(25));
  auto frames = frames_of(*head, voice(2000));
  EXPECT_EQ(frames.size(), 4u);
  head->cut();
  std::vector<CopiedFrame> more;
  EXPECT_EQ(pull_all(*head, more), Pull::need_audio);
  more = frames_of(*head, voice(1000));
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].position, 2560);
}

TEST(Interrupt, before_any_audio_changes_nothing) {
  const auto shared = engine();
  const auto audio = voice(9000);
  const auto expected = frames_of(*session(at_fps(25), shared), audio);
  const auto head = session(at_fps(25), shared);
  head->cut();
  head->cut();
  EXPECT_EQ(frames_of(*head, audio), expected);
}

TEST(Interrupt, the_mouth_returns_within_100_ms_and_does_not_jump) {
  const auto shared = engine();
  const auto head = session(still(50), shared);
  std::vector<CopiedFrame> frames;
  const auto speech = voice(24000);
  (void)head->push(speech, kRate);
  // Stop where the mouth is widest.
  float widest = 0;
  while (frames.size() < 50) {
    pull_all(*head, frames, 1);
    const float jaw = frames.back().channels[kJaw];
    if (jaw > 0.1f && jaw < widest) break;
    widest = std::max(widest, jaw);
  }
  const float before = frames.back().channels[kJaw];
  ASSERT_GT(before, 0.05f);
  head->cut();
  const std::vector<float> silence(kRate);
  std::vector<CopiedFrame> after;
  (void)head->push(silence, kRate);
  pull_all(*head, after);
  ASSERT_GT(after.size(), 10u);
  EXPECT_LT(std::abs(after[0].channels[kJaw] - before), 0.6f * before);

  // What a session shows that hears nothing but this silence from the same position on.
  const auto fresh = session(still(50), shared);
  (void)fresh->push(std::vector<float>(24000), kRate);
  fresh->cut();
  std::vector<CopiedFrame> rest;
  (void)fresh->push(silence, kRate);
  pull_all(*fresh, rest);
  for (std::size_t k = 5; k < after.size(); ++k) {  // 5 frames: 100 ms
    ASSERT_EQ(after[k].position, rest[k].position);
    ASSERT_EQ(after[k].channels[kJaw], rest[k].channels[kJaw]) << k;
  }
}

TEST(Interrupt, the_head_does_not_jump) {
  const auto head = session(at_fps(25));
  std::vector<CopiedFrame> frames, after;
  (void)head->push(voice(32000), kRate);
  pull_all(*head, frames, 20);
  head->cut();
  (void)head->push(voice(8000), kRate);
  pull_all(*head, after);
  ASSERT_FALSE(after.empty());
  EXPECT_LT(std::abs(after[0].channels[kHeadYaw] - frames.back().channels[kHeadYaw]), 0.5f);
}

TEST(Interrupt, is_deterministic_for_any_split_of_the_audio_after_it) {
  const auto shared = engine();
  const auto run = [&](std::size_t piece) {
    const auto head = session(at_fps(30), shared);
    std::vector<CopiedFrame> frames;
    (void)head->push(voice(7777), kRate);
    pull_all(*head, frames, 4);
    head->cut();
    std::vector<float> next = voice(6000);
    std::span<const float> left(next);
    while (!left.empty()) {
      left = left.subspan(head->push(left.first(std::min(piece, left.size())), kRate));
      pull_all(*head, frames);
    }
    head->finish();
    pull_all(*head, frames);
    return frames;
  };
  const auto expected = run(6000);
  EXPECT_EQ(run(1), expected);
  EXPECT_EQ(run(517), expected);
}

TEST(Interrupt, at_one_frame_a_second_the_mouth_has_returned_by_the_next_frame) {
  const auto head = session(still(1));
  std::vector<CopiedFrame> frames;
  (void)head->push(voice(32000), kRate);
  pull_all(*head, frames);
  head->cut();
  const std::vector<float> silence(2 * kRate);
  (void)head->push(silence, kRate);
  std::vector<CopiedFrame> after;
  pull_all(*head, after);
  const auto fresh = session(still(1));
  (void)fresh->push(std::vector<float>(32000), kRate);
  fresh->cut();
  std::vector<CopiedFrame> rest;
  (void)fresh->push(silence, kRate);
  pull_all(*fresh, rest);
  ASSERT_GE(after.size(), 1u);
  // A second later nothing is left of the old speech.
  EXPECT_EQ(after.back().position, rest.back().position);
  EXPECT_EQ(after.size(), rest.size());
  EXPECT_EQ(after.back().channels, rest.back().channels);
}

}  // namespace
}  // namespace talkrt::session
