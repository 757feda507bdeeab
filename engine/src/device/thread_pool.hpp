// SPDX-License-Identifier: Apache-2.0
//
// The engine's CPU threads. Owns workers - 1 threads; the caller of run() is the last one. Sessions share
// it: concurrent run() calls take turns or proceed with the caller's thread alone, never deadlock.
// Idle threads sleep after a short bounded spin, so they leave the cores to whoever else needs them.
#pragma once

#include <memory>

#include "kernels/executor.hpp"

namespace talkrt::device {

class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(int workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void run(int tasks, Body body, void* context) override;
  [[nodiscard]] int workers() const noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Cores this process may use: affinity and cgroup quota, at least 1.
int usable_cores();

}  // namespace talkrt::device
