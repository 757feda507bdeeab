// SPDX-License-Identifier: Apache-2.0
//
// Votes and shuffles on top of the schedulers' barriers, and the order of blocks.
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <utility>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/scheduler.hpp"

namespace talkrt::emulation {
namespace {

unsigned order_seed = 0;
unsigned long grids = 0;

// Two buffers in turn: a lane that writes for call k + 2 has passed the barrier of call k + 1, and so have
// all that read the buffer in call k.
std::array<std::array<std::array<std::uint32_t, kWarp>, 2>, kMaxThreads / kWarp> lanes;
std::array<unsigned, 3> votes;  // in turn: one is counted, one read, one set to zero

std::vector<unsigned> shuffled(unsigned count, std::mt19937& bits) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (order_seed != 0) std::shuffle(order.begin(), order.end(), bits);
  return order;
}

}  // namespace

unsigned set_order(unsigned seed) { return std::exchange(order_seed, seed); }
unsigned long launches() { return grids; }

void fail(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::abort();
}

Thread Grid::thread(unsigned block, unsigned number) const {
  Thread out;
  out.thread_index = {number % block_size.x, number / block_size.x, 0};
  out.block_index = {block % size.x, block / size.x, 0};
  out.blocks = size.x;
  out.number = number;
  return out;
}

const std::uint32_t* warp_exchange(std::uint32_t mine) {
  Thread& me = self();
  auto& buffer = lanes[me.number / kWarp][me.warp_calls++ & 1U];
  buffer[me.number % kWarp] = mine;
  warp_barrier();
  return buffer.data();
}

unsigned block_count(bool predicate) {
  Thread& me = self();
  const unsigned call = me.block_votes++;
  if (predicate) __atomic_fetch_add(&votes[call % 3], 1U, __ATOMIC_RELAXED);
  if (me.number == 0) __atomic_store_n(&votes[(call + 1) % 3], 0U, __ATOMIC_RELAXED);
  block_barrier();
  return __atomic_load_n(&votes[call % 3], __ATOMIC_RELAXED);
}

void run_grid(const dim3& size, const dim3& block_size, std::size_t shared_bytes, Body body, void* context) {
  const unsigned threads = block_size.x * block_size.y;
  if (size.x == 0 || size.y == 0 || size.y > 65535 || size.z != 1 || block_size.z != 1 || threads == 0 ||
      threads > kMaxThreads || threads % kWarp != 0) {
    fail("a grid of %u x %u x %u blocks of %u x %u x %u threads cannot be launched\n", size.x, size.y, size.z,
         block_size.x, block_size.y, block_size.z);
  }
  std::mt19937 bits(order_seed);
  votes = {};
  take_dynamic_shared(shared_bytes);
  run_blocks(
      {size, block_size, threads, shuffled(size.x * size.y, bits), shuffled(threads, bits), body, context});
  ++grids;
}

}  // namespace talkrt::emulation
