// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

const std::vector<float>& speech() {
  static const std::vector<float> samples = voice(3 * kRate + 137);
  return samples;
}

TEST(Determinism, any_split_of_the_pushes_gives_the_same_bits) {
  const auto shared = engine();
  const auto expected = frames_of(*session(at_fps(25), shared), speech());
  ASSERT_EQ(expected.size(), 76u);
  std::mt19937 random(20260101);
  for (int round = 0; round < 12; ++round) {
    const auto head = session(at_fps(25), shared);
    std::vector<CopiedFrame> got;
    std::span<const float> left(speech());
    const std::size_t largest = std::size_t{1} << random() % 15;
    while (!left.empty()) {
      const std::size_t piece = std::min<std::size_t>(left.size(), 1 + random() % largest);
      left = left.subspan(head->push(left.first(piece), kRate));
      const bool eager = random() % 3 != 0;
      pull_all(*head, got, eager ? SIZE_MAX : random() % 3);
    }
    head->finish();
    ASSERT_EQ(pull_all(*head, got), Pull::end_of_stream);
    ASSERT_EQ(got, expected) << "largest piece " << largest;
  }
}

TEST(Determinism, any_number_of_threads_gives_the_same_bits) {
  const auto expected = frames_of(*session(at_fps(25), engine(with_threads(1))), speech());
  for (const int threads : {2, 3, 5}) {
    EXPECT_EQ(frames_of(*session(at_fps(25), engine(with_threads(threads))), speech()), expected) << threads;
  }
}

TEST(Determinism, the_seed_decides_idle_life) {
  const auto shared = engine();
  talkrt_session_config config = at_fps(25);
  const auto first = frames_of(*session(config, shared), speech());
  config.seed = 2;
  EXPECT_NE(frames_of(*session(config, shared), speech()), first);
  config.idle_motion = 0;
  const auto still = frames_of(*session(config, shared), speech());
  config.seed = 1;
  EXPECT_EQ(frames_of(*session(config, shared), speech()), still);
}

TEST(Determinism, motion_does_not_depend_on_the_frame_rate) {
  const auto shared = engine();
  const auto slow = frames_of(*session(at_fps(5), shared), speech());
  for (const int fps : {25, 50, 100, 125}) {
    const auto fast = frames_of(*session(at_fps(fps), shared), speech());
    ASSERT_EQ(fast.size(), (speech().size() * static_cast<std::size_t>(fps) + kRate - 1) / kRate);
    for (const CopiedFrame& frame : slow) {
      const CopiedFrame& same_time = fast.at(static_cast<std::size_t>(frame.index * fps / 5));
      ASSERT_EQ(same_time.position, frame.position);
      ASSERT_EQ(same_time.channels, frame.channels) << fps << " fps, sample " << frame.position;
      ASSERT_EQ(same_time.pixels, frame.pixels) << fps << " fps, sample " << frame.position;
    }
  }
}

TEST(Determinism, controls_count_from_the_frame_they_were_set_before_and_not_from_the_audio) {
  const auto shared = engine();
  talkrt_controls happy = motion::default_controls();
  happy.emotion = 1;
  happy.head_yaw = 12;
  const auto run = [&](std::size_t piece) {
    const auto head = session(at_fps(25), shared);
    std::vector<CopiedFrame> got;
    std::span<const float> left(speech());
    while (!left.empty()) {
      if (got.size() == 20) head->set_controls(happy);
      const std::size_t most = got.size() < 20 ? 20 - got.size() : SIZE_MAX;
      left = left.subspan(head->push(left.first(std::min(piece, left.size())), kRate));
      pull_all(*head, got, most);
    }
    return got;
  };
  const auto expected = run(16);
  for (const std::size_t piece : {333u, 5000u}) {
    const auto got = run(piece);
    ASSERT_GE(got.size(), 60u);
    for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i)
      ASSERT_EQ(got[i], expected[i]) << i;
  }
}

TEST(Determinism, one_frame_a_second_and_240_come_out_right) {
  const auto shared = engine();
  EXPECT_EQ(frames_of(*session(at_fps(1), shared), speech()).size(), 4u);
  const auto fast = frames_of(*session(at_fps(240), shared), speech());
  EXPECT_EQ(fast.size(), (speech().size() * 240 + kRate - 1) / kRate);
  for (const CopiedFrame& frame : fast) ASSERT_EQ(frame.position, frame.index * kRate / 240);
  EXPECT_EQ(frames_of(*session(at_fps(30000, 1001), shared), speech()).back().position,
            90 * 16000LL * 1001 / 30000);
}

}  // namespace
}  // namespace talkrt::session
