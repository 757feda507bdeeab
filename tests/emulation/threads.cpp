// SPDX-License-Identifier: Apache-2.0
//
// The threads of a block as threads of the system, which the thread sanitizer watches. The barriers are those
// it knows; nothing else orders what two threads of a block do.
#include <pthread.h>

#include <thread>

#include "tests/emulation/scheduler.hpp"

namespace talkrt::emulation {
namespace {

class Barrier {
 public:
  explicit Barrier(unsigned members) { pthread_barrier_init(&barrier_, nullptr, members); }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  ~Barrier() { pthread_barrier_destroy(&barrier_); }
  void wait() { pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_;
};

thread_local Thread running;
thread_local Barrier* whole = nullptr;
thread_local Barrier* warp = nullptr;

}  // namespace

Thread& self() { return running; }
void block_barrier() { whole->wait(); }
void warp_barrier() { warp->wait(); }

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
        all.wait();
        running = grid.thread(block, number);
        grid.body(grid.context);
        all.wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace talkrt::emulation
