// SPDX-License-Identifier: Apache-2.0
//
// A session takes all its memory when it is created: pushing, pulling, controls and interrupts touch the heap
// no more. What ONNX Runtime does inside Run is its own and counted apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/api/counting_allocator.hpp"
#include "tests/engine/session/tiny_portrait.hpp"

namespace talkrt::session {
namespace {

TEST(Allocations, a_frame_needs_none) {
  if (!AllocationCounter::available()) GTEST_SKIP() << "the allocator cannot be replaced under sanitizers";
  const auto head = session(at_fps(50), engine(with_threads(2)));
  const auto audio = voice(4 * kRate);
  talkrt_controls controls = motion::default_controls();
  std::span<const float> left(audio);
  int frames = 0;

  AllocationCounter counter(AllocationCounter::Threads::all);
  while (!left.empty()) {
    left = left.subspan(head->push(left.first(std::min<std::size_t>(left.size(), 333)), kRate));
    controls.emotion = frames / 20 % 8;
    controls.head_yaw = static_cast<float>(frames % 30);
    head->set_controls(controls);
    talkrt_frame frame{};
    while (head->pull(frame) == Pull::frame) {
      frame::FramePool::release(slot_of(frame));
      if (++frames == 60) head->cut();
    }
    (void)head->stats();
  }
  const auto counts = counter.stop();
  EXPECT_GT(frames, 100);
  EXPECT_EQ(counts.ours, 0u) << counts.our_bytes << " bytes\n" << counter.report();
}

TEST(Allocations, a_frame_of_an_avatar_needs_none) {
  if (!AllocationCounter::available()) GTEST_SKIP() << "the allocator cannot be replaced under sanitizers";
  const auto shared = engine(with_threads(2));
  talkrt_session_config config = default_session_config();
  config.width = 70;  // another size than the plan's, to which what is behind is stretched
  config.height = 50;
  const auto head = Session::create(shared, shared->load(TALKRT_TEST_DATA "/tiny_avatar.plan"), config);
  constexpr std::size_t kRow = 6;
  const std::vector<float> rows(100 * kRow, 0.5f);
  talkrt_controls controls = motion::default_controls();
  std::span<const float> left(rows);
  int frames = 0;

  AllocationCounter counter(AllocationCounter::Threads::all);
  while (!left.empty()) {
    left = left.subspan(head->push_features(left.first(std::min<std::size_t>(left.size(), 5 * kRow)), kRow) *
                        kRow);
    controls.head_yaw = static_cast<float>(frames % 30);
    controls.blink = static_cast<float>(frames % 2);
    head->set_controls(controls);
    talkrt_frame frame{};
    while (head->pull(frame) == Pull::frame) {
      frame::FramePool::release(slot_of(frame));
      if (++frames == 60) head->cut();
    }
  }
  const auto counts = counter.stop();
  EXPECT_GT(frames, 80);
  EXPECT_EQ(counts.ours, 0u) << counts.our_bytes << " bytes\n" << counter.report();
}

TEST(Allocations, a_frame_of_a_portrait_needs_none_from_the_first_on) {
  if (!AllocationCounter::available()) GTEST_SKIP() << "the allocator cannot be replaced under sanitizers";
  const auto head = portrait_session(engine(with_threads(2)));
  const auto audio = voice(kRate / 2);
  talkrt_controls controls = motion::default_controls();
  std::span<const float> left(audio);
  int frames = 0;

  AllocationCounter counter(AllocationCounter::Threads::all);
  while (!left.empty()) {
    left = left.subspan(head->push(left.first(std::min<std::size_t>(left.size(), 333)), kRate));
    controls.emotion = frames / 4 % 8;
    controls.gaze_yaw = static_cast<float>(frames % 30);
    head->set_controls(controls);
    talkrt_frame frame{};
    while (head->pull(frame) == Pull::frame) {
      frame::FramePool::release(slot_of(frame));
      if (++frames == 4) head->cut();
    }
    (void)head->stats();
  }
  const auto counts = counter.stop();
  EXPECT_GE(frames, 8);
  EXPECT_EQ(counts.ours, 0u) << counts.our_bytes << " bytes\n" << counter.report();
  // Names of buffers and lists of values in each run of ONNX Runtime; no tensor is among them.
  const auto of_frame = [&](std::uint64_t all) { return all / static_cast<std::uint64_t>(frames); };
  RecordProperty("onnxruntime_allocations_per_frame", std::to_string(of_frame(counts.onnxruntime)));
  RecordProperty("onnxruntime_bytes_per_frame", std::to_string(of_frame(counts.onnxruntime_bytes)));
  EXPECT_LT(of_frame(counts.onnxruntime_bytes), 1u << 20);
}

TEST(Allocations, drawing_the_same_size_again_needs_none) {
  if (!AllocationCounter::available()) GTEST_SKIP() << "the allocator cannot be replaced under sanitizers";
  const auto head = session(at_fps(25), engine(with_threads(2)));
  constexpr int kSide = 200;  // another size than the plan's, whose background is stretched
  std::vector<std::uint8_t> rgba8(4 * kSide * kSide);
  std::vector<float> rgba(4 * kSide * kSide), depth(kSide * kSide);
  talkrt_camera camera{};
  camera.width = camera.height = kSide;
  const std::array<float, 16> viewmat{1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0.5f, 0, 0, 0, 1};
  const std::array<float, 9> K{500, 0, kSide / 2, 0, 500, kSide / 2, 0, 0, 1};
  std::copy(viewmat.begin(), viewmat.end(), camera.viewmat);
  std::copy(K.begin(), K.end(), camera.K);
  const auto draw = [&] {
    talkrt_view view{};
    view.rgba8 = rgba8.data();
    view.rgba8_stride = 4 * kSide;
    view.rgba = rgba.data();
    view.depth = depth.data();
    head->draw(camera, view);
    return view.visible;
  };
  EXPECT_GT(draw(), 0);
  AllocationCounter counter(AllocationCounter::Threads::all);
  for (int i = 0; i < 20; ++i) {
    camera.viewmat[3] = 0.002f * static_cast<float>(i);
    (void)draw();
  }
  const auto counts = counter.stop();
  EXPECT_EQ(counts.ours, 0u) << counts.our_bytes << " bytes\n" << counter.report();
}

TEST(Allocations, the_counter_sees_one) {
  if (!AllocationCounter::available()) GTEST_SKIP() << "the allocator cannot be replaced under sanitizers";
  AllocationCounter counter;
  const auto bytes = std::make_unique<std::vector<int>>(1000);
  EXPECT_GE(counter.stop().ours, 2u);
  EXPECT_EQ(bytes->size(), 1000u);
}

}  // namespace
}  // namespace talkrt::session
