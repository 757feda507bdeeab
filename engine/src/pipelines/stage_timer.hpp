// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>

#include "engine/src/pipelines/pipeline.hpp"

namespace talkrt::pipelines {

/// Adds its own lifetime to one stage of a frame.
class StageTimer {
 public:
  StageTimer(StageTimes& times, talkrt_stage stage) : total_(times[static_cast<std::size_t>(stage)]) {}
  ~StageTimer() {
    total_ += static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin_)
            .count());
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  std::uint64_t& total_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace talkrt::pipelines
