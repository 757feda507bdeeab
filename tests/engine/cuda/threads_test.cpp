// SPDX-License-Identifier: Apache-2.0
//
// Sessions of several threads on one painter: draws one after the other, waits side by side.
#include <mutex>
#include <thread>

#include "tests/engine/cuda/session.hpp"

namespace talkrt::testing {
namespace {

TEST(CudaThreads, sessions_draw_in_turn_and_wait_side_by_side) {
  constexpr int kThreads = 4, kFrames = 6;
  GpuPainter painter({4, 6, 4});
  std::mutex drawing;
  const auto draw = [&](GpuSession& session) {
    {
      const std::lock_guard lock(drawing);
      painter.draw({session.job});
    }
    session.wait();
    return session.picture();
  };
  std::deque<GpuSession> sessions;
  std::vector<std::vector<std::vector<float>>> alone(kThreads), together(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    GpuSession& session = sessions.emplace_back(60, 16 + 8 * i, 16, 3 + static_cast<unsigned>(i));
    painter.prepare(session.limits);
    for (int frame = 0; frame < kFrames; ++frame) {
      alone[i].push_back(draw(session));
      session.turn(0.2f);
    }
    session.turn(-0.2f * kFrames);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int frame = 0; frame < kFrames; ++frame) {
        together[i].push_back(draw(sessions[i]));
        sessions[i].turn(0.2f);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kThreads; ++i) {
    for (int frame = 0; frame < kFrames; ++frame) {
      const std::vector<float>&was = alone[i][frame], &is = together[i][frame];
      float most = 0;  // the pose went there and back in floats
      for (std::size_t k = 0; k < was.size(); ++k) most = std::max(most, std::abs(was[k] - is[k]));
      EXPECT_LT(most, 1e-3f) << i << " " << frame;
      EXPECT_GT(*std::max_element(is.begin(), is.end()), 0.1f);
    }
  }
}

}  // namespace
}  // namespace talkrt::testing
