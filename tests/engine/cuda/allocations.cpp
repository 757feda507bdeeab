// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/cuda/allocations.hpp"

#include <cstdlib>
#include <new>

#include "tests/emulation/runtime.hpp"

namespace {

thread_local unsigned long counted = 0;

void* counting(std::size_t bytes) {
  if (!talkrt::emulation::in_call()) ++counted;
  if (void* memory = std::malloc(bytes != 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace

unsigned long talkrt::testing::allocations() { return counted; }

void* operator new(std::size_t bytes) { return counting(bytes); }
void* operator new[](std::size_t bytes) { return counting(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
