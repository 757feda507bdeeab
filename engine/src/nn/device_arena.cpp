// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/device_arena.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <talkrt/error.hpp>

namespace talkrt::nn {
namespace {

constexpr std::size_t kUnit = 256, kPiece = std::size_t{2} << 20;

std::size_t rounded(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void* DeviceArena::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
    throw Error(TALKRT_ERROR_OUT_OF_MEMORY, "a graph asks for " + std::to_string(bytes) + " bytes at once");
  }
  bytes = std::max(rounded(bytes, kUnit), kUnit);
  auto found = best_fit(bytes);
  if (found == blocks_.end()) found = add_piece(bytes);
  auto& [memory, block] = *found;
  if (block.bytes > bytes) {
    blocks_.emplace(memory + bytes, Block{block.bytes - bytes, block.piece, true});
    block.bytes = bytes;
  }
  block.free = false;
  return memory;
}

void DeviceArena::give(void* memory) noexcept {
  const std::lock_guard lock(mutex_);
  const auto block = blocks_.find(static_cast<std::byte*>(memory));
  if (block == blocks_.end()) return;
  block->second.free = true;
  join(block, std::next(block));
  if (block != blocks_.begin()) join(std::prev(block), block);
}

std::size_t DeviceArena::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const device::Buffer& piece : pieces_) sum += piece.size();
  return sum;
}

DeviceArena::Blocks::iterator DeviceArena::best_fit(std::size_t bytes) {
  auto best = blocks_.end();
  for (auto at = blocks_.begin(); at != blocks_.end(); ++at) {
    if (!at->second.free || at->second.bytes < bytes) continue;
    if (best == blocks_.end() || at->second.bytes < best->second.bytes) best = at;
  }
  return best;
}

DeviceArena::Blocks::iterator DeviceArena::add_piece(std::size_t bytes) {
  const std::size_t whole = rounded(bytes, kPiece);
  allowance_.shrink(allowance_.bytes() - std::min<std::uint64_t>(allowance_.bytes(), whole));
  device::Buffer& piece =
      pieces_.emplace_back(budget_, "ONNX Runtime's arena", whole, device::MemoryKind::device, gpu_);
  return blocks_.emplace(piece.data(), Block{whole, pieces_.size() - 1, true}).first;
}

/// Neighbours in one piece become one where both are free.
void DeviceArena::join(Blocks::iterator block, Blocks::iterator next) {
  if (next == blocks_.end() || !block->second.free || !next->second.free ||
      block->second.piece != next->second.piece) {
    return;
  }
  block->second.bytes += next->second.bytes;
  blocks_.erase(next);
}

}  // namespace talkrt::nn
