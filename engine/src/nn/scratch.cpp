// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/scratch.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <talkrt/error.hpp>

#include "engine/src/device/pages.hpp"

namespace talkrt::nn {
namespace {

constexpr std::size_t kUnit = 64;  // a cache line, and the widest vector

}  // namespace

// Stands in front of its bytes. Blocks fill the memory without gaps up to the last one in use, and no two
// free ones are neighbours. There are some dozens: what lives at the same time in a graph.
struct alignas(kUnit) Scratch::Block {
  Scratch* owner;
  Block* before;      // nullptr: the first
  std::size_t bytes;  // behind this, a multiple of kUnit
  bool free;

  [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
};

void* Scratch::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
    throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "a graph asks for " + std::to_string(bytes) + " bytes at once");
  }
  bytes = device::round_up(bytes, kUnit);
  Block* block = best_fit(bytes);
  if (block == nullptr) return append(bytes)->data();
  block->free = false;
  if (block->bytes - bytes > sizeof(Block)) {
    auto* rest = new (block->data() + bytes) Block{this, block, block->bytes - bytes - sizeof(Block), true};
    behind(rest)->before = rest;  // a free block is never the last one
    block->bytes = bytes;
  }
  return block->data();
}

void Scratch::give(void* data) noexcept {
  if (data == nullptr) return;
  Block* block = static_cast<Block*>(data) - 1;
  Scratch& owner = *block->owner;
  const std::lock_guard lock(owner.mutex_);
  block->free = true;
  owner.merge(block);
}

void Scratch::reserve(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  memory_.grow_to(bytes);
}

std::size_t Scratch::bytes() const {
  const std::lock_guard lock(mutex_);
  return memory_.size();
}

Scratch::Block* Scratch::behind(const Block* block) const noexcept {
  if (block == last_) return nullptr;
  return reinterpret_cast<Block*>(const_cast<Block*>(block)->data() + block->bytes);
}

Scratch::Block* Scratch::best_fit(std::size_t bytes) const noexcept {
  Block* best = nullptr;
  for (Block* block = last_; block != nullptr; block = block->before) {
    if (block->free && block->bytes >= bytes && (best == nullptr || block->bytes <= best->bytes))
      best = block;
  }
  return best;
}

Scratch::Block* Scratch::append(std::size_t bytes) {
  std::byte* end = last_ == nullptr ? memory_.data() : last_->data() + last_->bytes;
  memory_.grow_to(static_cast<std::size_t>(end - memory_.data()) + sizeof(Block) + bytes);
  last_ = new (end) Block{this, last_, bytes, false};
  return last_;
}

void Scratch::merge(Block* block) noexcept {
  if (Block* next = behind(block); next != nullptr && next->free) {
    block->bytes += sizeof(Block) + next->bytes;  // `next` is not the last one: that is never free
    behind(block)->before = block;
  }
  if (Block* before = block->before; before != nullptr && before->free) {
    before->bytes += sizeof(Block) + block->bytes;
    if (block == last_) {
      last_ = before;
    } else {
      behind(before)->before = before;
    }
    block = before;
  }
  if (block == last_) last_ = block->before;  // which is in use, for neighbours are merged
}

}  // namespace talkrt::nn
