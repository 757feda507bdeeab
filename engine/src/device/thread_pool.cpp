// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/thread_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <talkrt/error.hpp>
#include <thread>
#include <vector>

namespace talkrt::device {
namespace {

// A frame is a handful of run() calls with little between them. While a helper spins, an empty job takes
// under 1 us; after 5 ms of idleness it takes about 20 us (2 cores, loaded). The time is a choice, not yet
// tuned: longer spinning takes a core from whoever else wants it, the graph's threads or the video encoder.
constexpr auto kSpin = std::chrono::microseconds(20);
constexpr int kPausesPerClock = 16;  // pauses between two looks at the clock

void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until done() or kSpin is over; whether done() became true.
template <class F>
bool spin(F done) noexcept {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPausesPerClock; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

// State of the gate: the job's number, whether it is closed, and how many helpers are inside.
constexpr std::uint32_t kHelper = 1;
constexpr std::uint32_t kHelpers = 0xFFFF;
constexpr std::uint32_t kClosed = 0x10000;
constexpr std::uint32_t kJob = 0x20000;  // 15 bits of job number; a helper that sleeps through all of them
                                         // misses one job, which its owner then does alone

}  // namespace

// One job at a time. Its owner writes the job, opens the gate under a new number, takes tasks like everybody
// else, closes the gate and waits until the helpers inside have left. A helper enters only an open gate and
// only once per number, so nobody can touch a job whose owner has gone.
struct ThreadPool::Impl {
  alignas(64) std::atomic<int> next_task{0};
  alignas(64) std::atomic<std::uint32_t> gate{kClosed};
  alignas(64) std::atomic<std::uint32_t> bell{0};  // helpers sleep on it; changes with every job
  std::atomic<bool> stopping{false};
  std::atomic<bool> busy{false};

  int tasks = 0;
  Executor::Body body = nullptr;
  void* context = nullptr;

  bool spins = true;
  std::vector<std::thread> threads;

  void work(int worker) noexcept {
    for (int task = next_task.fetch_add(1, std::memory_order_relaxed); task < tasks;
         task = next_task.fetch_add(1, std::memory_order_relaxed)) {
      body(context, task, worker);
    }
  }

  /// Enters the open job unless it is number `last`; on success `last` becomes its number.
  bool enter(std::uint32_t& last) noexcept {
    std::uint32_t state = gate.load(std::memory_order_acquire);
    while ((state & kClosed) == 0 && (state & ~(kHelpers | kClosed)) != last) {
      if (gate.compare_exchange_weak(state, state + kHelper, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        last = state & ~(kHelpers | kClosed);
        return true;
      }
    }
    return false;
  }

  void leave() noexcept {
    const std::uint32_t before = gate.fetch_sub(kHelper, std::memory_order_acq_rel);
    if ((before & kClosed) != 0 && (before & kHelpers) == kHelper) gate.notify_one();
  }

  void help(int worker) noexcept {
    std::uint32_t last = 0;
    while (true) {
      const std::uint32_t rung = bell.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_acquire)) return;
      if (enter(last)) {
        work(worker);
        leave();
        continue;
      }
      const auto awake = [&] { return bell.load(std::memory_order_relaxed) != rung; };
      if (!spins || !spin(awake)) bell.wait(rung, std::memory_order_acquire);
    }
  }

  void ring(std::size_t wanted) noexcept {
    bell.fetch_add(1, std::memory_order_seq_cst);
    if (wanted >= threads.size()) {
      bell.notify_all();
    } else {
      for (std::size_t i = 0; i < wanted; ++i) bell.notify_one();
    }
  }

  void run(int count, Executor::Body job, void* argument) noexcept {
    tasks = count;
    body = job;
    context = argument;
    next_task.store(0, std::memory_order_relaxed);
    const std::uint32_t number = (gate.load(std::memory_order_relaxed) & ~(kHelpers | kClosed)) + kJob;
    gate.store(number == 0 ? kJob : number, std::memory_order_release);  // 0 means "none yet" to helpers
    ring(static_cast<std::size_t>(count) - 1);
    work(0);
    std::uint32_t state = gate.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
    const auto empty = [&] { return ((state = gate.load(std::memory_order_acquire)) & kHelpers) == 0; };
    if ((state & kHelpers) == 0 || spin(empty)) return;
    while (!empty()) gate.wait(state, std::memory_order_acquire);
  }

  void stop() noexcept {
    stopping.store(true, std::memory_order_release);
    ring(threads.size());
    for (std::thread& thread : threads) thread.join();
  }
};

ThreadPool::ThreadPool(int workers) : impl_(std::make_unique<Impl>()) {
  impl_->spins = workers <= usable_cores();
  impl_->threads.reserve(static_cast<std::size_t>(std::max(workers - 1, 0)));
  // Signals belong to the host's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int worker = 1; worker < workers; ++worker) {
      std::thread& thread = impl_->threads.emplace_back([impl = impl_.get(), worker] { impl->help(worker); });
      const std::string name = "talkrt-" + std::to_string(worker);
      pthread_setname_np(thread.native_handle(), name.c_str());
    }
  } catch (const std::system_error& error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const std::size_t started = impl_->threads.size();
    impl_->stop();
    throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "the system refused CPU thread " + std::to_string(started + 2) +
                                                " of " + std::to_string(workers) + ": " + error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() { impl_->stop(); }

int ThreadPool::workers() const noexcept { return static_cast<int>(impl_->threads.size()) + 1; }

void ThreadPool::run(int tasks, Body body, void* context) {
  // While another session has the helpers (or a body runs a job of its own), the caller's thread suffices:
  // the cores are busy anyway, and nobody waits for a stranger's frame.
  if (tasks <= 1 || impl_->threads.empty() || impl_->busy.exchange(true, std::memory_order_acquire)) {
    for (int task = 0; task < tasks; ++task) body(context, task, 0);
    return;
  }
  impl_->run(tasks, body, context);
  impl_->busy.store(false, std::memory_order_release);
}

}  // namespace talkrt::device
