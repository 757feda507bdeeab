// SPDX-License-Identifier: Apache-2.0
//
// The threads of a block as threads of the system, which the thread sanitizer watches. The barriers are those
// it knows; nothing else orders what two threads of a block do.
#include <pthread.h>

#include <array>
#include <memory>
#include <thread>

#include "tests/emulation/scheduler.hpp"

namespace talkrt::emulation {
namespace {

/// Two in turn, because the sanitizer takes whoever leaves a barrier late to know what was done before the
/// next arrival at the same one. With one, a thread that ran ahead hid the very races that are looked for.
class Barrier {
 public:
  explicit Barrier(unsigned members) {
    for (auto& barrier : barriers_) pthread_barrier_init(&barrier, nullptr, members);
  }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  ~Barrier() {
    for (auto& barrier : barriers_) pthread_barrier_destroy(&barrier);
  }
  /// `waits`: how often the calling thread has waited here.
  void wait(unsigned& waits) { pthread_barrier_wait(&barriers_[waits++ % 2]); }

 private:
  std::array<pthread_barrier_t, 2> barriers_;
};

thread_local Thread running;
thread_local Barrier* whole = nullptr;
thread_local Barrier* warp = nullptr;
thread_local unsigned whole_waits = 0, warp_waits = 0;

}  // namespace

Thread& self() { return running; }
void block_barrier() { whole->wait(whole_waits); }
void warp_barrier() { warp->wait(warp_waits); }

void run_blocks(const Grid& grid) {
  Barrier all(grid.threads);
  std::vector<std::unique_ptr<Barrier>> warps;
  for (unsigned w = 0; w < grid.threads / kWarp; ++w) warps.push_back(std::make_unique<Barrier>(kWarp));
  std::vector<std::thread> threads;
  for (const unsigned number : grid.order) {
    threads.emplace_back([&, number] {
      whole = &all;
      warp = warps[number / kWarp].get();
      for (const unsigned block : grid.blocks) {
        if (number == 0) spoil_shared_memory();
        block_barrier();
        running = grid.thread(block, number);
        grid.body(grid.context);
        block_barrier();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace talkrt::emulation
