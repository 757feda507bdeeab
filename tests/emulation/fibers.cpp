// SPDX-License-Identifier: Apache-2.0
//
// The threads of a block as fibers of one CPU thread. A fiber that waits hands over to the next one alive.
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <memory>

#include "tests/emulation/scheduler.hpp"

namespace talkrt::emulation {
namespace {

constexpr std::size_t kStack = 256 * 1024;

struct Barrier {
  unsigned arrived = 0, generation = 0;
};

struct Fiber {
  ucontext_t context;
  Thread thread;
  unsigned next = 0;  // alive, in a ring
};

class Block {
 public:
  Block() {
    void* mapped = mmap(nullptr, kStack * kMaxThreads, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) fail("no memory for the fibers' stacks\n");
    stacks_ = static_cast<char*>(mapped);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { munmap(stacks_, kStack * kMaxThreads); }

  void run(const Grid& grid, unsigned block);
  [[nodiscard]] Thread& thread() { return fibers_[running_].thread; }
  void wait(Barrier& barrier, unsigned members);
  [[nodiscard]] Barrier& whole() { return whole_; }
  [[nodiscard]] Barrier& warp() { return warps_[thread().number / kWarp]; }
  [[nodiscard]] unsigned size() const { return grid_->threads; }

 private:
  static void enter();
  void leave();
  void hand_over();

  char* stacks_;
  std::array<Fiber, kMaxThreads> fibers_;
  std::array<Barrier, kMaxThreads / kWarp> warps_;
  Barrier whole_;
  ucontext_t caller_;
  const Grid* grid_ = nullptr;
  unsigned block_ = 0, running_ = 0, before_ = 0, alive_ = 0, idle_ = 0;
};

Block& block() {
  static const std::unique_ptr<Block> only = std::make_unique<Block>();
  return *only;
}

void Block::enter() {
  Block& self = block();
  self.grid_->body(self.grid_->context);
  self.leave();
}

void Block::run(const Grid& grid, unsigned number) {
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
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stacks_ + i * kStack;
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &Block::enter, 0);
  }
  running_ = 0;
  before_ = grid.threads - 1;
  swapcontext(&caller_, &fibers_[0].context);
}

void Block::hand_over() {
  const unsigned from = running_;
  before_ = from;
  running_ = fibers_[from].next;
  if (running_ != from) swapcontext(&fibers_[from].context, &fibers_[running_].context);
}

// `before_` is whoever handed over to the running fiber: its neighbour in the ring, whose link skips it now.
void Block::leave() {
  idle_ = 0;
  if (--alive_ == 0) {
    setcontext(&caller_);
  }
  fibers_[before_].next = fibers_[running_].next;
  running_ = fibers_[running_].next;
  setcontext(&fibers_[running_].context);
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
