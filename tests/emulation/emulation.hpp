// SPDX-License-Identifier: Apache-2.0
//
// CUDA kernels without a GPU. Two schedulers stand behind include/cuda_runtime.h:
//
//   fibers   a block's threads take turns on one CPU thread and change at barriers, votes and shuffles. Fast,
//            repeatable, and able to say that a barrier was not reached by all.
//   threads  every thread of a block is one of the system's, for the thread sanitizer: it finds the barrier
//            that is missing. Slow; built instead of the fibers where TALKRT_SANITIZE is thread.
//
// Blocks run one after the other, in an order that the test chooses. Shared memory holds garbage at first.
#pragma once

namespace talkrt::emulation {

/// 0: blocks and their threads in order. Else shuffled, differently for every seed. Returns the last seed.
unsigned set_order(unsigned seed);

/// Grids since the program began.
unsigned long launches();

}  // namespace talkrt::emulation
