// SPDX-License-Identifier: Apache-2.0
//
// A small thread pool for kernel tests and benchmarks. Idle threads spin briefly, then sleep.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "kernels/executor.hpp"

namespace talkrt::testing {

class Workers final : public Executor {
 public:
  explicit Workers(int count) : count_(count) {
    for (int worker = 1; worker < count; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop_ = true;
    epoch_.fetch_add(1);
    epoch_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void run(int tasks, Body body, void* context) override {
    if (count_ == 1) {
      for (int task = 0; task < tasks; ++task) body(context, task, 0);
      return;
    }
    body_ = body;
    context_ = context;
    tasks_ = tasks;
    next_ = 0;
    busy_ = count_ - 1;
    epoch_.fetch_add(1);
    epoch_.notify_all();
    work(0);
    while (busy_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }
  [[nodiscard]] int workers() const noexcept override { return count_; }

 private:
  static constexpr int kSpins = 20000;  // some tens of microseconds: the gap between two stages

  void work(int worker) {
    for (int task = next_.fetch_add(1); task < tasks_; task = next_.fetch_add(1))
      body_(context_, task, worker);
  }

  void serve(int worker) {
    for (unsigned seen = 0;;) {
      for (int spin = 0; spin < kSpins && epoch_.load(std::memory_order_acquire) == seen; ++spin) {
      }
      epoch_.wait(seen);
      seen = epoch_.load(std::memory_order_acquire);
      if (stop_) return;
      work(worker);
      busy_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  int count_;
  Body body_ = nullptr;
  void* context_ = nullptr;
  int tasks_ = 0;
  std::atomic<int> next_{0}, busy_{0};
  std::atomic<unsigned> epoch_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace talkrt::testing
