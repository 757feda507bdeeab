// SPDX-License-Identifier: Apache-2.0
//
// The threads of a block as fibers of one CPU thread. A fiber that waits hands over to the next one alive.
// The fibers of one block go on as those of the next, and change by the compiler's own jumps: three
// registers, no system call.
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <memory>

#include "tests/emulation/scheduler.hpp"

namespace talkrt::emulation {
namespace {

constexpr std::size_t kStack = 256 * 1024;
constexpr std::size_t kStride = kStack + 832;  // no two stacks' tops in one set of the cache

struct Barrier {
  unsigned arrived = 0, generation = 0;
};

using Place = void* [5];  // as __builtin_setjmp wants it

struct Fiber {
  Place place;
  ucontext_t start;
  bool started = false;
  Thread thread;
  unsigned next = 0;  // alive, in a ring
};

class Block {
 public:
  Block() {
    void* mapped = mmap(nullptr, kStride * kMaxThreads, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) fail("no memory for the fibers' stacks\n");
    stacks_ = static_cast<char*>(mapped);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { munmap(stacks_, kStride * kMaxThreads); }

  void run(const Grid& grid, unsigned block);
  [[nodiscard]] Thread& thread() { return fibers_[running_].thread; }
  void wait(Barrier& barrier, unsigned members);
  [[nodiscard]] Barrier& whole() { return whole_; }
  [[nodiscard]] Barrier& warp() { return warps_[thread().number / kWarp]; }
  [[nodiscard]] unsigned size() const { return grid_->threads; }

 private:
  static void live();
  static void get_ready(Fiber& fiber, char* stack);
  void prepare(const Grid& grid, unsigned number);
  [[noreturn]] void go_on();
  void change(Place from);
  void hand_over();
  void leave();

  char* stacks_;
  std::array<Fiber, kMaxThreads> fibers_;
  std::array<Barrier, kMaxThreads / kWarp> warps_;
  Barrier whole_;
  Place caller_;
  const Grid* grid_ = nullptr;
  unsigned block_ = 0, running_ = 0, before_ = 0, alive_ = 0, idle_ = 0;
};

Block& block() {
  static const std::unique_ptr<Block> only = std::make_unique<Block>();
  return *only;
}

/// The running fiber, where it was.
__attribute__((noinline)) void Block::go_on() {
  Fiber& fiber = fibers_[running_];
  if (fiber.started) __builtin_longjmp(fiber.place, 1);
  fiber.started = true;
  setcontext(&fiber.start);
  fail("a fiber does not start\n");
}

/// Returns when somebody jumps back to `from`.
__attribute__((noinline)) void Block::change(Place from) {
  if (__builtin_setjmp(from) == 0) go_on();
}

void Block::live() {
  for (Block& self = block();;) {
    self.grid_->body(self.grid_->context);
    self.leave();
  }
}

void Block::get_ready(Fiber& fiber, char* stack) {
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = stack;
  fiber.start.uc_stack.ss_size = kStack;
  fiber.start.uc_link = nullptr;
  makecontext(&fiber.start, &Block::live, 0);
}

void Block::prepare(const Grid& grid, unsigned number) {
  grid_ = &grid;
  block_ = number;
  alive_ = grid.threads;
  idle_ = 0;
  whole_ = {};
  warps_.fill({});
  for (unsigned i = 0; i < grid.threads; ++i) {
    Fiber& fiber = fibers_[i];
    fiber.thread = grid.thread(number, grid.order[i]);
    fiber.next = (i + 1) % grid.threads;
    if (!fiber.started) get_ready(fiber, stacks_ + i * kStride);
  }
  running_ = 0;
  before_ = grid.threads - 1;
}

void Block::run(const Grid& grid, unsigned number) {
  prepare(grid, number);
  change(caller_);
}

void Block::hand_over() {
  const unsigned from = running_;
  before_ = from;
  running_ = fibers_[from].next;
  if (running_ != from) change(fibers_[from].place);
}

__attribute__((noinline)) void jump(Place to) { __builtin_longjmp(to, 1); }

// `before_` is whoever handed over to the running fiber: its neighbour in the ring, whose link skips it now.
void Block::leave() {
  idle_ = 0;
  const unsigned from = running_;
  if (--alive_ != 0) {
    fibers_[before_].next = fibers_[from].next;
    running_ = fibers_[from].next;
    change(fibers_[from].place);
  } else if (__builtin_setjmp(fibers_[from].place) == 0) {
    jump(caller_);
  }
}

void Block::wait(Barrier& barrier, unsigned members) {
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == members) {
    barrier.arrived = 0;
    ++barrier.generation;
    idle_ = 0;
    return;
  }
  while (barrier.generation == generation) {
    if (++idle_ > 2 * alive_) {
      fail("block %u: a barrier was reached by %u of %u threads; the others have left or wait elsewhere\n",
           block_, barrier.arrived, members);
    }
    hand_over();
  }
}

}  // namespace

Thread& self() { return block().thread(); }
void block_barrier() { block().wait(block().whole(), block().size()); }
void warp_barrier() { block().wait(block().warp(), kWarp); }

void run_blocks(const Grid& grid) {
  for (const unsigned number : grid.blocks) {
    spoil_shared_memory();
    block().run(grid, number);
  }
}

}  // namespace talkrt::emulation
