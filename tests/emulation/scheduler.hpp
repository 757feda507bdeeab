// SPDX-License-Identifier: Apache-2.0
//
// What both schedulers share and what each must do.
#pragma once

#include <cuda_runtime.h>

#include <vector>

namespace talkrt::emulation {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kMaxThreads = 1024;  // of a block

/// A grid under way: blocks in `order`, block after block with `threads`.
struct Grid {
  dim3 size, block_size;
  unsigned threads;
  std::vector<unsigned> blocks, order;  // of blocks; of a block's threads
  Body body;
  void* context;

  [[nodiscard]] Thread thread(unsigned block, unsigned number) const;
};

/// Runs all blocks; each scheduler's.
void run_blocks(const Grid& grid);

/// Before every grid.
void take_dynamic_shared(std::size_t bytes);

/// Before every block: nobody may read what the block has not written.
void spoil_shared_memory();

[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace talkrt::emulation
