// SPDX-License-Identifier: Apache-2.0
//
// Streams as lists of work. A GPU may do it at any time between the call and the moment somebody waits for
// it; the emulation does it at the first or, where a test wants that (talkrt_emulation_set_late), at the
// last.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

struct CUstream_st;

namespace talkrt::emulation {

using Work = std::function<void()>;

/// How often an event was recorded, and how many of these its streams have come to.
struct Moments {
  std::uint64_t recorded = 0, reached = 0;
  CUstream_st* stream = nullptr;  // of the last one
  std::chrono::steady_clock::time_point at{};
};

/// Everything in all streams is done, or will never be. Under the lock of a Call.
void finish_all();
void forget_all();

}  // namespace talkrt::emulation

struct CUgraph_st {
  std::vector<talkrt::emulation::Work> work;
};
struct CUgraphExec_st {
  std::vector<talkrt::emulation::Work> work;
};
struct CUstream_st {
  std::deque<talkrt::emulation::Work> waiting;
  std::unique_ptr<CUgraph_st> captured;
};
struct CUevent_st {
  std::shared_ptr<talkrt::emulation::Moments> moments = std::make_shared<talkrt::emulation::Moments>();
};
