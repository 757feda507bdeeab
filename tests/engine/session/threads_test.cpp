// SPDX-License-Identifier: Apache-2.0
//
// One thread pushes, one pulls, a third turns knobs and interrupts, a fourth gives frames back. Run under
// the thread sanitizer; without it, it still shows that nothing deadlocks and that positions only grow.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "engine/src/render/camera.hpp"
#include "tests/engine/session/tiny_portrait.hpp"

namespace talkrt::session {
namespace {

TEST(SessionThreads, push_pull_controls_interrupts_and_releases_from_four_threads) {
  const auto shared = engine(with_threads(3));
  const auto head = session(at_fps(60), shared);
  const auto audio = voice(6 * kRate);
  std::atomic<bool> done{false};
  std::mutex held_mutex;
  std::vector<frame::FrameSlot*> held;

  std::thread pusher([&] {
    std::mt19937 random(1);
    std::span<const float> left(audio);
    while (!left.empty()) {
      const std::size_t taken =
          head->push(left.first(std::min<std::size_t>(left.size(), 1 + random() % 700)), kRate);
      left = left.subspan(taken);
      if (taken == 0) std::this_thread::yield();
    }
    head->finish();
  });
  std::thread meddler([&] {
    std::mt19937 random(2);
    for (int i = 0; !done; ++i) {
      talkrt_controls controls = motion::default_controls();
      controls.emotion = static_cast<std::int32_t>(random() % 8);
      controls.head_yaw = static_cast<float>(random() % 60);
      head->set_controls(controls);
      const talkrt_session_stats stats = head->stats();
      EXPECT_GE(stats.audio_pushed, stats.audio_queued);
      // The last word is the pusher's finish, or the puller would wait for ever.
      if (i % 16 == 3 && stats.audio_pushed < 5 * kRate) head->cut();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::thread releaser([&] {
    while (!done) {
      frame::FrameSlot* slot = nullptr;
      {
        const std::lock_guard lock(held_mutex);
        if (!held.empty()) {
          slot = held.back();
          held.pop_back();
        }
      }
      if (slot != nullptr) frame::FramePool::release(*slot);
      std::this_thread::yield();
    }
  });

  std::int64_t last = -1;
  int frames = 0;
  while (true) {
    talkrt_frame frame{};
    Pull outcome = Pull::need_audio;
    try {
      outcome = head->pull(frame);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_FRAMES_HELD);
    }
    if (outcome == Pull::end_of_stream) break;
    if (outcome == Pull::need_audio) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_GT(frame.audio_position, last);
    last = frame.audio_position;
    ++frames;
    const std::lock_guard lock(held_mutex);
    held.push_back(&slot_of(frame));
  }
  done = true;
  pusher.join();
  meddler.join();
  releaser.join();
  for (frame::FrameSlot* slot : held) frame::FramePool::release(*slot);
  EXPECT_GT(frames, 30);
  EXPECT_EQ(head->stats().audio_pushed, 6 * kRate);
}

TEST(SessionThreads, one_thread_draws_and_pulls_while_another_pushes_and_a_third_cuts) {
  const auto shared = engine(with_threads(2));
  const auto head = session(at_fps(25), shared);
  const auto model = shared->load(kTinyPlan);
  const gaussian::Camera plan_camera = render::scaled_camera(model->manifest(), 80, 48);
  std::atomic<bool> done{false};
  std::thread pusher([&] {
    const auto audio = voice(2 * kRate);
    std::span<const float> left(audio);
    while (!left.empty()) {
      left = left.subspan(head->push(left.first(std::min<std::size_t>(left.size(), 640)), kRate));
      std::this_thread::yield();
    }
    head->finish();
  });
  std::thread meddler([&] {
    while (!done) {
      if (const auto stats = head->stats(); stats.audio_pushed < kRate) head->cut();
      head->set_controls(motion::default_controls());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  std::vector<float> depth(80 * 48);
  talkrt_camera camera{};
  camera.width = 80;
  camera.height = 48;
  std::copy_n(plan_camera.viewmat, 16, camera.viewmat);
  std::copy_n(plan_camera.K, 9, camera.K);
  std::vector<CopiedFrame> frames;
  Pull outcome = Pull::need_audio;
  int views = 0;
  while (outcome != Pull::end_of_stream) {
    outcome = pull_all(*head, frames, 1);
    talkrt_view view{};
    view.depth = depth.data();
    camera.viewmat[3] = 0.01f * static_cast<float>(views++ % 5);
    head->draw(camera, view);
    EXPECT_GT(view.visible, 0);
  }
  done = true;
  pusher.join();
  meddler.join();
  EXPECT_GT(frames.size(), 5u);
}

TEST(SessionThreads, a_portrait_speaks_while_it_is_cut_off_and_others_come_and_go) {
  // One thread: what orders ONNX Runtime's own workers, the sanitizer does not see.
  const auto shared = engine(with_threads(1));
  const auto head = portrait_session(shared);
  std::atomic<bool> done{false};
  std::thread pusher([&] {
    const auto audio = voice(kRate);
    std::span<const float> left(audio);
    while (!left.empty()) {
      left = left.subspan(head->push(left.first(std::min<std::size_t>(left.size(), 500)), kRate));
      std::this_thread::yield();
    }
    head->finish();
  });
  std::thread meddler([&] {
    for (int i = 0; !done; ++i) {
      talkrt_controls controls = motion::default_controls();
      controls.emotion = i % 8;
      head->set_controls(controls);
      if (const auto stats = head->stats(); stats.audio_pushed < kRate / 2) head->cut();
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  });
  // New portraits on the model that is running, the same one from both threads.
  const auto others = [&] {
    for (int shade = 1; shade <= 3; ++shade) {
      std::vector<CopiedFrame> frames;
      const auto other = portrait_session(shared, shade);
      (void)other->push(voice(3000), kRate);
      (void)pull_all(*other, frames, 1);
      EXPECT_EQ(frames.size(), 1u);
    }
  };
  std::thread first(others), second(others);
  std::vector<CopiedFrame> frames;
  while (pull_all(*head, frames, 1) != Pull::end_of_stream) std::this_thread::yield();
  done = true;
  for (std::thread* thread : {&pusher, &meddler, &first, &second}) thread->join();
  EXPECT_GT(frames.size(), 5u);
}

TEST(SessionThreads, sessions_of_one_model_render_side_by_side_and_agree) {
  const auto shared = engine(with_threads(2));
  const auto audio = voice(kRate);
  const auto expected = frames_of(*session(at_fps(25), shared), audio);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(frames_of(*session(at_fps(25), shared), audio), expected); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SessionThreads, models_are_loaded_and_dropped_from_many_threads) {
  const auto shared = engine(with_threads(1));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        const auto head = session(at_fps(25), shared);
        EXPECT_FALSE(shared->describe_json().empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace talkrt::session
