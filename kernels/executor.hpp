// SPDX-License-Identifier: Apache-2.0
//
// How a CPU kernel uses the caller's threads. Kernels own no thread and never allocate.
#pragma once

namespace talkrt {

class Executor {
 public:
  /// Runs body(context, task, worker) for every task in [0, tasks), tasks being handed out one at a
  /// time to whichever worker is free; returns when all are done. The caller is worker 0.
  using Body = void (*)(void* context, int task, int worker);
  virtual void run(int tasks, Body body, void* context) = 0;

  /// Workers that run() may use at once, at least 1.
  [[nodiscard]] virtual int workers() const noexcept = 0;

  /// The same for a callable(task, worker).
  template <class F>
  void for_each(int tasks, F&& callable) {
    auto* target = &callable;
    run(
        tasks,
        [](void* context, int task, int worker) { (*static_cast<decltype(target)>(context))(task, worker); },
        target);
  }

 protected:
  ~Executor() = default;
};

}  // namespace talkrt
