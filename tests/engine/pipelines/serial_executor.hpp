// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/executor.hpp"

namespace talkrt {

class SerialExecutor final : public Executor {
 public:
  void run(int tasks, Body body, void* context) override {
    for (int task = 0; task < tasks; ++task) body(context, task, 0);
  }
  [[nodiscard]] int workers() const noexcept override { return 1; }
};

}  // namespace talkrt
