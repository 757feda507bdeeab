// SPDX-License-Identifier: Apache-2.0
//
// Counts heap allocations of a piece of code. Linking counting_allocator.cpp into a test executable replaces
// the C library's malloc family there, for everything in the process: C++ new, the engine, shared libraries.
//
//   AllocationCounter counter(AllocationCounter::Threads::all);
//   session.pull(...);
//   EXPECT_EQ(counter.stop().ours, 0u) << counter.report();
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace talkrt {

class AllocationCounter {
 public:
  enum class Threads { mine, all };

  struct Counts {
    std::uint64_t ours = 0, our_bytes = 0;                 // by anybody but ONNX Runtime
    std::uint64_t onnxruntime = 0, onnxruntime_bytes = 0;  // with a function of its library on the stack
  };

  /// False where the allocator cannot be replaced (under sanitizers, without glibc): then all counts are 0
  /// and a test should skip.
  static bool available();

  /// Starts counting. One counter at a time. ONNX Runtime must have been opened before.
  explicit AllocationCounter(Threads threads = Threads::mine);
  ~AllocationCounter();
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;

  /// Stops and returns what was counted; may be called again.
  Counts stop();

  /// The call stacks of the first of our allocations, for a failure's message. Stops counting.
  std::string report();
};

}  // namespace talkrt
