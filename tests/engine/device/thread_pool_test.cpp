// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace talkrt::device {
namespace {

TEST(ThreadPool, runs_every_task_exactly_once) {
  for (const int workers : {1, 2, 3, 8}) {
    ThreadPool pool(workers);
    EXPECT_EQ(pool.workers(), workers);
    for (const int tasks : {0, 1, 2, 3, 64, 1000}) {
      std::vector<int> times(static_cast<std::size_t>(tasks));
      pool.for_each(tasks, [&](int task, int) { ++times[static_cast<std::size_t>(task)]; });
      EXPECT_EQ(times, std::vector<int>(times.size(), 1)) << workers << " workers, " << tasks << " tasks";
    }
  }
}

TEST(ThreadPool, at_least_one_worker_whatever_was_asked) {
  for (const int workers : {-3, 0, 1}) {
    ThreadPool pool(workers);
    EXPECT_EQ(pool.workers(), 1);
    int runs = 0;
    pool.for_each(5, [&](int, int worker) { runs += worker == 0; });
    EXPECT_EQ(runs, 5);
  }
}

TEST(ThreadPool, a_worker_number_belongs_to_one_thread_at_a_time) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> inside(4);
  for (int round = 0; round < 200; ++round) {
    pool.for_each(32, [&](int, int worker) {
      ASSERT_TRUE(worker >= 0 && worker < 4);
      EXPECT_EQ(inside[static_cast<std::size_t>(worker)].fetch_add(1), 0);
      inside[static_cast<std::size_t>(worker)].fetch_sub(1);
    });
  }
}

TEST(ThreadPool, helpers_take_part_also_after_they_slept) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> arrived{0};
    // Each task waits for the other, so the call returns only if two threads are at work.
    pool.for_each(2, [&](int, int) {
      arrived.fetch_add(1);
      while (arrived.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), 2);
  }
}

TEST(ThreadPool, what_tasks_wrote_is_visible_when_run_returns) {
  ThreadPool pool(3);
  std::vector<long> values(257);
  for (long round = 1; round <= 2000; ++round) {
    pool.for_each(257, [&](int task, int) { values[static_cast<std::size_t>(task)] += round; });
    long sum = 0;
    for (const long value : values) sum += value;
    ASSERT_EQ(sum, 257 * round * (round + 1) / 2);
  }
}

TEST(ThreadPool, callers_from_many_threads_all_finish) {
  ThreadPool pool(3);
  std::vector<std::thread> sessions;
  std::atomic<long> total{0};
  for (int session = 0; session < 4; ++session) {
    sessions.emplace_back([&] {
      for (int frame = 0; frame < 500; ++frame) {
        std::vector<int> done(17);
        pool.for_each(17, [&](int task, int) { done[static_cast<std::size_t>(task)] = 1; });
        for (const int value : done) total += value;
      }
    });
  }
  for (std::thread& session : sessions) session.join();
  EXPECT_EQ(total.load(), 4L * 500 * 17);
}

TEST(ThreadPool, a_task_may_run_a_job_of_its_own) {
  ThreadPool pool(2);
  std::atomic<int> runs{0};
  pool.for_each(4, [&](int, int) { pool.for_each(8, [&](int, int) { runs.fetch_add(1); }); });
  EXPECT_EQ(runs.load(), 32);
}

TEST(ThreadPool, can_be_made_and_ended_at_any_moment) {
  for (int i = 0; i < 100; ++i) {
    ThreadPool pool(3);
    if (i % 3 == 0) continue;
    std::atomic<int> runs{0};
    pool.for_each(i % 7, [&](int, int) { runs.fetch_add(1); });
    EXPECT_EQ(runs.load(), i % 7);
  }
}

}  // namespace
}  // namespace talkrt::device
