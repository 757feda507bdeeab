// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/speech_motion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "tests/engine/motion/manifest_fixture.hpp"

namespace talkrt::motion {
namespace {

constexpr std::size_t kMels = 4;

/// A network whose coefficient 0 is the sum of its window / 100 and whose energy counts its runs / 100.
class CountingGraph final : public nn::Instance {
 public:
  std::span<float> input(std::string_view) override { return mel_; }
  std::span<const float> output(std::string_view name) const override {
    return name == "coefficients" ? coefficients_ : name == "closure" ? closure_ : energy_;
  }
  void execute() override {
    float sum = 0;
    for (const float v : mel_) sum += v;
    coefficients_[0] = sum / 100;
    coefficients_[1] = -1;
    coefficients_[2] = std::numeric_limits<float>::quiet_NaN();
    coefficients_[3] = 7;
    energy_[0] = static_cast<float>(++runs_) / 100;
  }
  void warm() override {}
  void reset() override { runs_ = 0; }
  std::size_t bytes() const noexcept override { return 0; }

 private:
  std::vector<float> mel_ = std::vector<float>(2 * kMels), coefficients_ = std::vector<float>(4),
                     closure_ = std::vector<float>(1), energy_ = std::vector<float>(1);
  int runs_ = 0;
};

plan::Manifest manifest() {
  plan::Manifest m = full_manifest();
  m.motion->graph = "net";
  m.graphs.resize(1);
  m.graphs[0].name = "net";
  m.graphs[0].inputs = {{"mel", plan::DType{}, {1, 2, kMels}, "features"}};
  m.motion->coefficients = {
      {0, {rig_index(Channel::jawOpen)}},
      {1, {rig_index(Channel::mouthSmileLeft)}},
      {2, {rig_index(Channel::mouthFunnel)}},
      {3, {rig_index(Channel::mouthStretchLeft), rig_index(Channel::mouthStretchRight)}}};
  return m;
}

void push_row(SpeechMotion& speech, float value) {
  std::ranges::fill(speech.next_features(), value);
  speech.push();
}

TEST(SpeechMotion, one_row_of_motion_for_each_window_of_features) {
  SpeechMotion speech(manifest(), std::make_unique<CountingGraph>(), 8);
  speech.restart(0, 0);
  push_row(speech, 1);
  EXPECT_EQ(speech.end_row(), 0);
  push_row(speech, 3);
  ASSERT_EQ(speech.end_row(), 1);
  EXPECT_FLOAT_EQ(speech.row(0).frame[Channel::jawOpen], (kMels * 1 + kMels * 3) / 100.0f);
}

TEST(SpeechMotion, what_a_network_gets_wrong_does_not_reach_the_face) {
  SpeechMotion speech(manifest(), std::make_unique<CountingGraph>(), 8);
  speech.restart(0, 0);
  push_row(speech, 0);
  push_row(speech, 0);
  const MotionFrame& frame = speech.row(0).frame;
  EXPECT_EQ(frame[Channel::mouthSmileLeft], 0.0f);    // was -1
  EXPECT_EQ(frame[Channel::mouthFunnel], 0.0f);       // was NaN
  EXPECT_EQ(frame[Channel::mouthStretchLeft], 1.0f);  // was 7
  EXPECT_EQ(frame[Channel::mouthStretchRight], 1.0f);
}

TEST(SpeechMotion, a_restart_numbers_rows_from_the_stream_and_keeps_only_those_wanted) {
  SpeechMotion speech(manifest(), std::make_unique<CountingGraph>(), 8);
  speech.restart(100, 103);
  for (int i = 0; i < 2 * 5; ++i) push_row(speech, 0);
  EXPECT_EQ(speech.first_row(), 103);
  EXPECT_EQ(speech.end_row(), 105);
  EXPECT_FLOAT_EQ(speech.row(103).energy, 0.04f);  // the fourth run: those before it ran, too
  speech.drop_before(104);
  EXPECT_EQ(speech.first_row(), 104);
  speech.drop_before(200);
  EXPECT_EQ(speech.first_row(), 105);
}

TEST(RowGrid, rows_around_a_position_in_both_directions_of_time) {
  constexpr RowGrid grid{320, -1200};
  EXPECT_EQ(grid.time(4), 80);
  EXPECT_EQ(grid.at_or_before(80), 4);
  EXPECT_EQ(grid.at_or_after(80), 4);
  EXPECT_EQ(grid.at_or_before(0), 3);
  EXPECT_EQ(grid.at_or_after(0), 4);
  EXPECT_EQ(grid.at_or_before(-1201), -1);
  EXPECT_EQ(grid.at_or_after(-1201), 0);
  EXPECT_EQ(grid.at_or_after(81), 5);
}

}  // namespace
}  // namespace talkrt::motion
