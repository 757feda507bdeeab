// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "engine/cuda/ticket.hpp"

namespace talkrt::cuda {

bool Ticket::ready() const {
  const cudaError_t error = cudaEventQuery(event_.get());
  if (error == cudaErrorNotReady) return false;
  check(error, "drawing");
  return true;
}

/// A frame takes tens of microseconds, as long as it takes to wake a thread that sleeps; so it sleeps only
/// when there is more to wait for.
void Ticket::wait() const {
  constexpr std::chrono::microseconds kAwake{50};
  const auto until = std::chrono::steady_clock::now() + kAwake;
  while (std::chrono::steady_clock::now() < until) {
    if (ready()) return;
  }
  check(cudaEventSynchronize(event_.get()), "drawing");
}

}  // namespace talkrt::cuda
