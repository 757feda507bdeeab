// SPDX-License-Identifier: Apache-2.0
//
// Times on the device and on the host, in microseconds.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/cuda/handles.hpp"

namespace talkrt::bench {

struct Times {
  double least = 0, median = 0, p95 = 0;

  /// Of at least one time; the first tenth was for warming up.
  static Times of(std::vector<double> all) {
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 10));
    std::sort(all.begin(), all.end());
    return {all.front(), all[all.size() / 2], all[std::min(all.size() - 1, all.size() * 95 / 100)]};
  }
};

/// Times between marks on a stream. The host goes ahead of the device, which therefore never waits for a
/// launch.
class Marks {
 public:
  explicit Marks(int count) {
    for (int i = 0; i < count; ++i) {
      cudaEvent_t event = nullptr;
      cuda::check(cudaEventCreateWithFlags(&event, 0), "making an event");
      events_.emplace_back(event);
    }
  }
  void set(int i, cudaStream_t stream) {
    cuda::check(cudaEventRecord(events_[static_cast<std::size_t>(i)].get(), stream), "marking a time");
  }
  /// From mark `from` to mark `to`; waits for it.
  [[nodiscard]] double between(int from, int to) const {
    const cudaEvent_t last = events_[static_cast<std::size_t>(to)].get();
    cuda::check(cudaEventSynchronize(last), "drawing");
    float ms = 0;
    cuda::check(cudaEventElapsedTime(&ms, events_[static_cast<std::size_t>(from)].get(), last),
                "reading a time");
    return 1e3 * static_cast<double>(ms);
  }

 private:
  std::vector<cuda::Event> events_;
};

inline double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace talkrt::bench
