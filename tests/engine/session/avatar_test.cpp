// SPDX-License-Identifier: Apache-2.0
//
// Sessions of tests/data/tiny_avatar.plan: rows of features in, frames out.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <talkrt/error.hpp>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

constexpr std::size_t kRow = 6;  // floats: row_width 2, channels 3
constexpr int kTrack = 5;        // frames
constexpr int kFrame = 640;      // samples

std::shared_ptr<Session> avatar(talkrt_session_config config = default_session_config(),
                                std::shared_ptr<Engine> shared = engine()) {
  auto model = shared->load(TALKRT_TEST_DATA "/tiny_avatar.plan");
  return Session::create(std::move(shared), std::move(model), config);
}

std::vector<float> features(std::size_t rows, unsigned seed = 5) {
  std::mt19937 bits(seed);
  std::vector<float> out(rows * kRow);
  for (float& v : out) v = static_cast<float>(bits() * 0x1p-31 - 1);
  return out;
}

void push_all(Session& session, std::span<const float> rows, std::vector<CopiedFrame>& out) {
  while (!rows.empty()) {
    rows = rows.subspan(session.push_features(rows, kRow) * kRow);
    if (pull_all(session, out) == Pull::end_of_stream) throw std::runtime_error("ended early");
  }
}

std::vector<CopiedFrame> frames_of_rows(Session& session, std::span<const float> rows) {
  std::vector<CopiedFrame> out;
  push_all(session, rows, out);
  session.finish();
  if (pull_all(session, out) != Pull::end_of_stream) throw std::runtime_error("did not end");
  return out;
}

TEST(Avatar, makes_a_frame_for_every_row_at_its_position) {
  const auto frames = frames_of_rows(*avatar(), features(130));
  ASSERT_EQ(frames.size(), 130u);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].position, static_cast<std::int64_t>(i) * kFrame);
    if (i > 0) {
      EXPECT_NE(frames[i].pixels, frames[i - 1].pixels) << i;
    }
  }
}

TEST(Avatar, a_frame_waits_for_three_rows_after_its_own) {
  const auto head = avatar();
  const auto rows = features(5);
  std::vector<CopiedFrame> frames;
  ASSERT_EQ(head->push_features(std::span(rows).first(3 * kRow), kRow), 3u);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_EQ(frames.size(), 0u);
  ASSERT_EQ(head->push_features(std::span(rows).subspan(3 * kRow, kRow), kRow), 1u);
  EXPECT_EQ(pull_all(*head, frames), Pull::need_audio);
  EXPECT_EQ(frames.size(), 1u);
}

TEST(Avatar, any_split_of_the_rows_and_any_number_of_threads_give_the_same_bits) {
  const auto rows = features(90);
  const auto expected = frames_of_rows(*avatar({default_session_config()}, engine(with_threads(1))), rows);
  std::mt19937 random(7);
  for (const int threads : {1, 3}) {
    const auto head = avatar(default_session_config(), engine(with_threads(threads)));
    std::vector<CopiedFrame> got;
    std::span<const float> left(rows);
    while (!left.empty()) {
      const std::size_t piece = std::min<std::size_t>(left.size(), (1 + random() % 9) * kRow);
      left = left.subspan(head->push_features(left.first(piece), kRow) * kRow);
      pull_all(*head, got, random() % 3 != 0 ? SIZE_MAX : random() % 3);
    }
    head->finish();
    ASSERT_EQ(pull_all(*head, got), Pull::end_of_stream);
    EXPECT_EQ(got, expected) << threads;
  }
}

TEST(Avatar, the_track_goes_forwards_and_backwards_for_speech_of_any_length) {
  const std::vector<float> silence(200 * kRow);
  const auto frames = frames_of_rows(*avatar(), silence);
  ASSERT_EQ(frames.size(), 200u);
  for (int t = 0; t < 200; ++t) {
    const int phase = t % (2 * kTrack - 2), shown = std::min(phase, 2 * kTrack - 2 - phase);
    EXPECT_EQ(frames[static_cast<std::size_t>(t)].pixels, frames[static_cast<std::size_t>(shown)].pixels)
        << t;
  }
}

TEST(Avatar, at_another_rate_the_last_frame_that_is_due_is_shown) {
  const auto rows = features(40);
  const auto expected = frames_of_rows(*avatar(), rows);
  for (const int fps : {5, 50, 60, 120}) {
    const auto frames = frames_of_rows(*avatar(at_fps(fps)), rows);
    ASSERT_EQ(frames.size(), static_cast<std::size_t>((40 * fps + 24) / 25));
    for (const CopiedFrame& frame : frames) {
      const auto row = static_cast<std::size_t>(frame.position / kFrame);
      ASSERT_EQ(frame.pixels, expected.at(row).pixels) << fps << " fps, sample " << frame.position;
    }
  }
}

TEST(Avatar, an_interrupt_starts_a_speech_that_has_no_rows_before_it) {
  const auto before = features(20, 1), after = features(30, 2);
  const auto head = avatar();
  std::vector<CopiedFrame> frames;
  push_all(*head, before, frames);
  ASSERT_EQ(frames.size(), 17u);
  head->cut();
  frames.clear();
  push_all(*head, after, frames);
  head->finish();
  ASSERT_EQ(pull_all(*head, frames), Pull::end_of_stream);
  ASSERT_EQ(frames.size(), 30u);
  EXPECT_EQ(frames.front().position, 20 * kFrame);
  // After 28 other rows the track is where it is after 20: it comes back every 8.
  const auto other = avatar();
  std::vector<CopiedFrame> again;
  push_all(*other, features(28, 3), again);
  other->cut();
  again.clear();
  push_all(*other, after, again);
  ASSERT_EQ(again.size(), 27u);
  // The first three are on their way from where each mouth was.
  EXPECT_NE(again[0].pixels, frames[0].pixels);
  for (std::size_t i = 3; i < again.size(); ++i) EXPECT_EQ(again[i].pixels, frames[i].pixels) << i;
}

TEST(Avatar, controls_move_what_they_name_and_no_more) {
  const auto rows = features(8);
  const auto with = [&](auto change) {
    const auto head = avatar();
    talkrt_controls controls = motion::default_controls();
    change(controls);
    head->set_controls(controls);
    return frames_of_rows(*head, rows);
  };
  const auto plain = with([](talkrt_controls&) {});
  EXPECT_EQ(plain, frames_of_rows(*avatar(), rows));
  EXPECT_NE(plain, with([](auto& c) { c.blink = 1; }));
  EXPECT_NE(plain, with([](auto& c) { c.expression_scale = 0; }));
  EXPECT_NE(plain, with([](auto& c) { c.head_distance = 1.5f; }));
  EXPECT_NE(plain, with([](auto& c) { c.head_yaw = 5; }));
  // Beyond what the recording has seen the head turns no farther.
  EXPECT_EQ(with([](auto& c) { c.head_yaw = 10; }), with([](auto& c) { c.head_yaw = 60; }));
  EXPECT_EQ(plain, with([](auto& c) { c.gaze_yaw = 10; }));
}

TEST(Avatar, another_size_shows_the_same_and_a_backdrop_of_the_hosts_keeps_the_torso) {
  const auto rows = features(6);
  talkrt_session_config config = default_session_config();
  config.width = 96;
  config.height = 64;
  const auto large = frames_of_rows(*avatar(config), rows), small = frames_of_rows(*avatar(), rows);
  double difference = 0;
  for (std::size_t y = 0; y < 32; ++y) {
    for (std::size_t x = 0; x < 48 * 4; ++x) {
      double sum = 0;
      for (std::size_t v = 0; v < 2; ++v) {
        for (std::size_t u = 0; u < 2; ++u) {
          sum += large[3].pixels[((2 * y + v) * 96 + 2 * (x / 4) + u) * 4 + x % 4];
        }
      }
      difference += std::abs(sum / 4 - small[3].pixels[y * 48 * 4 + x]);
    }
  }
  EXPECT_LT(difference / (32 * 48 * 4), 16) << "of noise, of which a stretched copy has less";

  config = default_session_config();
  config.background = TALKRT_BACKGROUND_TRANSPARENT;
  const auto clear = frames_of_rows(*avatar(config), rows);
  int covered = 0, open = 0;
  for (std::size_t i = 3; i < clear[0].pixels.size(); i += 4) {
    covered += clear[0].pixels[i] > 200;
    open += clear[0].pixels[i] == 0;
  }
  EXPECT_GT(covered, 50);
  EXPECT_GT(open, 50);
}

TEST(Avatar, refuses_audio_and_other_rows_by_name) {
  const auto head = avatar();
  const auto message = [&](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const std::vector<float> samples(64);
  EXPECT_NE(message([&] { (void)head->push(samples, 16000); }).find("push features made by \"made up\""),
            std::string::npos);
  EXPECT_NE(message([&] { (void)head->push_features(samples, 8); }).find("rows of 8 numbers pushed"),
            std::string::npos);
  std::vector<float> rows = features(4);
  rows[7] = std::nanf("");
  EXPECT_NE(message([&] { (void)head->push_features(rows, kRow); }).find("NaN"), std::string::npos);
  const auto speaking = session();
  EXPECT_NE(message([&] { (void)speaking->push_features(samples, 8); }).find("push audio"),
            std::string::npos);
}

}  // namespace
}  // namespace talkrt::session
