// SPDX-License-Identifier: Apache-2.0
//
// Windows over graphs that can be followed by hand: a frame's hearing is the sum of its own samples, and what
// is clean is that sum plus the last frame of context.
#include "engine/src/motion/motion_windows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/src/motion/face_track.hpp"

namespace talkrt::motion {
namespace {

constexpr int kFrames = 10, kPrevious = 2, kWidth = 70;

class FakeGraph : public nn::Instance {
 public:
  explicit FakeGraph(const std::map<std::string, std::size_t, std::less<>>& ports) {
    for (const auto& [name, size] : ports) ports_[name].resize(size);
  }
  std::span<float> input(std::string_view name) override { return ports_.find(name)->second; }
  std::span<const float> output(std::string_view name) const override { return ports_.find(name)->second; }
  void warm() override {}
  void reset() override {}
  std::size_t bytes() const noexcept override { return 0; }

 protected:
  std::map<std::string, std::vector<float>, std::less<>> ports_;
};

/// rows [1 layer, 2, P + N, 1]: unheard 0, heard the sum of a frame's samples; -1 before the window.
class Speech final : public FakeGraph {
 public:
  Speech() : FakeGraph({{"samples", kFrames * 640 + 80}, {"rows", 2 * (kPrevious + kFrames)}}) {}

 private:
  void execute() override {
    std::vector<float>& rows = ports_["rows"];
    const std::vector<float>& samples = ports_["samples"];
    std::fill(rows.begin(), rows.end(), 0.0f);
    float* heard = rows.data() + kPrevious + kFrames;
    std::fill_n(heard, kPrevious, -1.0f);
    for (int f = 0; f < kFrames; ++f) {
      const auto begin = samples.begin() + 40 + std::ptrdiff_t{640} * f;
      heard[kPrevious + f] = std::accumulate(begin, begin + 640, 0.0f);
    }
  }
};

class Denoise final : public FakeGraph {
 public:
  Denoise()
      : FakeGraph({{"motion", kFrames * kWidth},
                   {"prev_motion", kPrevious * kWidth},
                   {"rows", 2 * (kPrevious + kFrames)},
                   {"step", 1},
                   {"guidance", 1},
                   {"clean", kFrames * kWidth}}) {}
  std::vector<float> heard, context;  // of the last run

 private:
  void execute() override {
    const std::vector<float>& rows = ports_["rows"];
    heard.assign(rows.begin() + kPrevious + kFrames, rows.end());
    context = ports_["prev_motion"];
    for (int f = 0; f < kFrames; ++f) {
      std::fill_n(ports_["clean"].begin() + f * kWidth, kWidth,
                  heard[static_cast<std::size_t>(kPrevious + f)]);
    }
  }
};

struct Fixture {
  explicit Fixture(int hop) {
    WindowSampling sampling;
    sampling.hop = hop;
    sampling.steps = 3;
    auto owned = std::make_unique<Denoise>();
    denoise = owned.get();
    windows = std::make_unique<MotionWindows>(
        MotionWindows::Shape{kFrames, kPrevious, 50, 1, start},
        MotionWindows::Graphs{std::make_unique<Speech>(), std::move(owned)}, heard, sampling, budget);
  }

  /// Samples that say which of the stream they are: `value` in every 640th.
  void feed(std::int64_t begin, std::int64_t end) {
    std::vector<float> samples;
    for (std::int64_t i = begin; i < end; ++i)
      samples.push_back(i % 640 == 0 ? static_cast<float>(i / 640 + 1) : 0.0f);
    std::span<const float> rest = samples;
    while (!rest.empty()) {
      rest = rest.subspan(windows->feed(rest));
      if (!windows->full()) continue;
      windows->hear();
      windows->denoise();
      for (std::span<const float> rows = windows->made(); !rows.empty(); rows = rows.subspan(kWidth)) {
        made.push_back(rows[0]);
      }
    }
  }

  device::Budget budget{"test", 0};
  std::vector<float> start = std::vector<float>(kPrevious * kWidth, 7.0f);
  HeardWindows heard{kFrames * 640, 2 * (kPrevious + kFrames), budget};
  Denoise* denoise = nullptr;
  std::unique_ptr<MotionWindows> windows;
  std::vector<float> made;
};

TEST(MotionWindows, whole_windows_follow_one_another_80_ms_behind_the_speech) {
  Fixture fixture(kFrames);
  EXPECT_EQ(fixture.windows->audio_end(0), kFrames * 640 - 1280);
  EXPECT_EQ(fixture.windows->audio_end(9), kFrames * 640 - 1280);
  EXPECT_EQ(fixture.windows->audio_end(10), 2 * kFrames * 640 - 1280);
  fixture.feed(0, kFrames * 640 - 1281);
  EXPECT_TRUE(fixture.made.empty());
  fixture.feed(kFrames * 640 - 1281, 2 * kFrames * 640 - 1280);
  std::vector<float> expected(2 * kFrames);
  std::iota(expected.begin(), expected.end(),
            -1.0f);  // frame f hears the samples of time f - 2, number f - 1
  expected[0] = expected[1] = 0;
  EXPECT_EQ(fixture.made, expected);
  // The second window's context: motion and hearing of the first one's last frames.
  EXPECT_EQ(fixture.denoise->context.front(), 7.0f);
  EXPECT_EQ(fixture.denoise->context.back(), 8.0f);
  EXPECT_EQ(fixture.denoise->heard[0], 7.0f);
  EXPECT_EQ(fixture.denoise->heard[1], 8.0f);
}

TEST(MotionWindows, the_first_window_starts_from_what_the_model_learned) {
  Fixture fixture(kFrames);
  fixture.feed(0, kFrames * 640 - 1280);
  EXPECT_EQ(fixture.denoise->context, fixture.start);
  EXPECT_EQ(fixture.denoise->heard[1], -1.0f);
}

TEST(MotionWindows, a_shorter_hop_looks_less_far_ahead_and_keeps_what_was_shown) {
  Fixture fixture(4);
  EXPECT_EQ(fixture.windows->audio_end(0), 4 * 640 - 1280);
  fixture.feed(0, 12 * 640 - 1280);
  std::vector<float> expected(12);
  std::iota(expected.begin(), expected.end(), -1.0f);
  expected[0] = expected[1] = 0;
  EXPECT_EQ(fixture.made, expected);
  // Rows 2 to 11 are the window now, rows 0 and 1 its context.
  EXPECT_EQ(fixture.denoise->heard[2], 1.0f);
  EXPECT_EQ(fixture.denoise->context[0], 0.0f);
}

TEST(MotionWindows, known_frames_are_clamped_along_the_whole_way_from_noise) {
  // A network that is wrong about known frames cannot move them.
  Fixture fixture(4);
  fixture.feed(0, 8 * 640 - 1280);
  const std::vector<float> before = fixture.made;
  fixture.feed(8 * 640 - 1280, 12 * 640 - 1280);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), fixture.made.begin()));
  const std::span<float> noisy = fixture.denoise->input("motion");
  EXPECT_NEAR(noisy[0], 1.0f, 1e-5f);  // row 2, clean again after the last step
}

TEST(MotionWindows, a_cut_continues_from_what_was_shown) {
  Fixture fixture(kFrames);
  fixture.feed(0, kFrames * 640 - 1280);
  // Six of ten rows were shown; speech goes on at sample 20000, which lies in row 31.
  EXPECT_EQ(fixture.windows->restart(4, 20'000), 31);
  EXPECT_EQ(fixture.windows->audio_end(31), (31 + kFrames) * 640 - 1280);
  fixture.feed(20'000, (31 + kFrames) * 640 - 1280);
  EXPECT_EQ(fixture.denoise->context.front(), 3.0f);  // rows 4 and 5
  EXPECT_EQ(fixture.denoise->context.back(), 4.0f);
  EXPECT_EQ(fixture.denoise->heard[1], 4.0f);
  // Silence up to the sample at 20000; number 33 is the first one after it.
  EXPECT_EQ(fixture.made[kFrames + 2], 0.0f);
  EXPECT_EQ(fixture.made[kFrames + 3], 33.0f);
}

TEST(MotionWindows, sessions_that_are_fed_the_same_speech_hear_it_once) {
  device::Budget budget{"test", 0};
  HeardWindows heard{3, 2, budget};
  const std::vector<float> one{1, 2, 3}, other{1, 2, 4}, rows{5, 6};
  std::vector<float> found(2);
  EXPECT_FALSE(heard.find(one, found));
  heard.put(one, rows);
  EXPECT_FALSE(heard.find(other, found));
  EXPECT_TRUE(heard.find(one, found));
  EXPECT_EQ(found, rows);
  for (int i = 0; i < 4; ++i) heard.put(other, rows);
  EXPECT_FALSE(heard.find(one, found)) << "four windows are kept";
}

struct TrackFixture {
  std::vector<float> mean = std::vector<float>(63, 1.0f), deviation = std::vector<float>(63, 2.0f);
  std::vector<float> low = std::vector<float>(7, 10.0f), high = std::vector<float>(7, 20.0f);
  FaceTrack track{{mean, deviation, low, high}, 0.25f, 40};

  void push(float value) { track.push(std::vector<float>(kWidth, value)); }
  FaceMotion at(std::int64_t position) {
    return track.at(position, [this] { ++passed; });
  }
  int passed = 0;
};

TEST(FaceTrack, rows_get_their_units_and_the_pose_follows_slowly) {
  TrackFixture fixture;
  for (const float value : {0.0f, 1.0f, 1.0f}) fixture.push(value);
  EXPECT_EQ(fixture.at(0).expression[5], 1.0f);
  EXPECT_EQ(fixture.at(0).scale, 10.0f);
  const FaceMotion second = fixture.at(640);
  EXPECT_EQ(second.expression[5], 3.0f);
  EXPECT_EQ(second.angles[2], 12.5f);
  EXPECT_EQ(fixture.at(1280).translation[0], 0.25f * 20 + 0.75f * 12.5f);
  EXPECT_EQ(fixture.passed, 3);
  EXPECT_EQ(fixture.track.unshown(), 0);
  EXPECT_EQ(fixture.track.first().scale, 10.0f);
}

TEST(FaceTrack, a_frame_lies_between_its_rows) {
  TrackFixture fixture;
  for (const float value : {0.0f, 1.0f}) fixture.push(value);
  EXPECT_FLOAT_EQ(fixture.at(160).expression[0], 1.5f);
}

TEST(FaceTrack, after_a_cut_the_face_passes_to_the_new_rows_within_100_ms) {
  TrackFixture fixture;
  for (const float value : {0.0f, 1.0f, 5.0f}) fixture.push(value);
  EXPECT_EQ(fixture.at(640).expression[0], 3.0f);
  EXPECT_EQ(fixture.track.unshown(), 1);
  fixture.track.restart(10, 6400);
  EXPECT_EQ(fixture.track.unshown(), 0);
  for (int i = 0; i < 6; ++i) fixture.push(0.0f);
  EXPECT_EQ(fixture.at(6400).expression[0], 3.0f);
  const float later = fixture.at(6400 + 800).expression[0];
  EXPECT_NEAR(later, 2.0f, 1e-5f);
  EXPECT_EQ(fixture.at(6400 + 1600).expression[0], 1.0f);
  // The head goes on from where it was, not from the row that nobody saw.
  EXPECT_NEAR(fixture.at(6400 + 1920).scale, 10 + 2.5f * 0.75f * 0.75f * 0.75f * 0.75f, 1e-4f);
}

}  // namespace
}  // namespace talkrt::motion
