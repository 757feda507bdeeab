// SPDX-License-Identifier: Apache-2.0
//
// What a frame does with these parts allocates nothing, and the counter that shows it can be trusted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/src/audio/ring_buffer.hpp"
#include "engine/src/device/thread_pool.hpp"
#include "engine/src/features/log_mel_stream.hpp"
#include "engine/src/nn/graph.hpp"
#include "tests/api/counting_allocator.hpp"

namespace talkrt {
namespace {

using Threads = AllocationCounter::Threads;

class Allocations : public testing::Test {
 protected:
  void SetUp() override {
    if (!AllocationCounter::available()) GTEST_SKIP() << "a sanitizer or another C library owns malloc here";
  }
};

void* volatile sink;  // keeps the compiler from removing allocations

TEST_F(Allocations, of_every_kind_are_counted) {
  AllocationCounter counter;
  sink = new int(1);
  delete static_cast<int*>(sink);
  sink = std::malloc(10);
  sink = std::realloc(sink, 20);
  std::free(sink);
  sink = std::calloc(2, 30);
  std::free(sink);
  sink = std::aligned_alloc(64, 128);
  std::free(sink);
  void* memory = nullptr;
  ASSERT_EQ(posix_memalign(&memory, 64, 100), 0);
  std::free(memory);
  struct alignas(256) Wide {
    char data[256];
  };
  sink = new Wide;
  delete static_cast<Wide*>(sink);
  const auto counts = counter.stop();
  EXPECT_EQ(counts.ours, 7u) << counter.report();
  EXPECT_EQ(counts.our_bytes, sizeof(int) + 10 + 20 + 60 + 128 + 100 + 256);
  EXPECT_EQ(counts.onnxruntime, 0u);
}

TEST_F(Allocations, inside_shared_libraries_are_counted_and_reported) {
  AllocationCounter counter;
  std::string text(1000, 'x');  // libstdc++ allocates
  sink = text.data();
  EXPECT_EQ(counter.stop().ours, 1u);
  EXPECT_NE(counter.report().find("allocation of 1001 bytes"), std::string::npos) << counter.report();
}

TEST_F(Allocations, of_other_threads_are_counted_when_asked) {
  const auto allocate_elsewhere = [](Threads threads) {
    std::atomic<bool> go{false}, done{false};
    std::thread other([&] {
      while (!go) std::this_thread::yield();
      sink = std::malloc(10);
      std::free(sink);
      done = true;
    });
    AllocationCounter counter(threads);
    go = true;
    while (!done) std::this_thread::yield();
    const auto counts = counter.stop();
    other.join();
    return counts.ours;
  };
  EXPECT_EQ(allocate_elsewhere(Threads::mine), 0u);
  EXPECT_EQ(allocate_elsewhere(Threads::all), 1u);
}

TEST_F(Allocations, stop_with_the_counter) {
  {
    AllocationCounter counter;
  }
  AllocationCounter counter;
  const auto counts = counter.stop();
  sink = std::malloc(10);
  std::free(sink);
  EXPECT_EQ(counts.ours, 0u);
  EXPECT_EQ(counter.stop().ours, 0u);
}

TEST_F(Allocations, a_run_of_a_graph_has_none_of_ours) {
  const plan::Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const auto graph = nn::open_onnxruntime({})->open(plan, plan.manifest().graphs.at(0));
  const auto instance = graph->instance();
  instance->run();
  instance->run();
  AllocationCounter counter(Threads::all);
  for (int i = 0; i < 10; ++i) instance->run();
  instance->reset();
  const auto counts = counter.stop();
  EXPECT_EQ(counts.ours, 0u) << counter.report();
  // What ONNX Runtime does inside is its own; recorded, so that a change is seen.
  RecordProperty("onnxruntime_allocations_per_run", std::to_string(counts.onnxruntime / 10));
  RecordProperty("onnxruntime_bytes_per_run", std::to_string(counts.onnxruntime_bytes / 10));
}

TEST_F(Allocations, jobs_of_the_thread_pool_have_none) {
  device::ThreadPool pool(2);
  pool.for_each(8, [](int, int) {});
  AllocationCounter counter(Threads::all);
  for (int i = 0; i < 100; ++i) pool.for_each(8, [](int, int) {});
  EXPECT_EQ(counter.stop().ours, 0u) << counter.report();
}

TEST_F(Allocations, audio_on_its_way_to_features_has_none) {
  device::Budget budget("test", 0);
  features::LogMelStream stream({}, budget);
  std::vector<float> storage(4000), samples(3000, 0.1f), row(80), chunk(400);
  audio::RingBuffer ring(storage);
  AllocationCounter counter;
  ring.push(samples);
  while (const std::size_t got =
             ring.pop(std::span(chunk).first(static_cast<std::size_t>(stream.samples_needed())))) {
    stream.push(std::span(chunk).first(got));
    if (stream.samples_needed() == 0) stream.next_row(row);
  }
  stream.reset();
  EXPECT_EQ(counter.stop().ours, 0u) << counter.report();
}

}  // namespace
}  // namespace talkrt
