// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cuda_device.hpp"

#include <string>
#include <talkrt/error.hpp>

namespace talkrt::device {
namespace {

constexpr int kOutOfMemory = 2;  // cudaErrorMemoryAllocation

cuda::Memory memory_of(MemoryKind kind) {
  return kind == MemoryKind::pinned ? cuda::Memory::pinned : cuda::Memory::device;
}

}  // namespace

CudaDevice::CudaDevice(const CudaModule& module, int index)
    : table_(module.table), index_(index), info_(module.device.value()) {}

void CudaDevice::check(int code, const cuda::Why& why) const {
  if (code == 0) return;
  const std::string message = "GPU " + std::to_string(index_) + " (" + info_.name + "): " + why.text;
  if (cuda::lost(code)) throw Error(TALKRT_ERROR_DEVICE_LOST, message + "; the engine must be made anew");
  if (code == kOutOfMemory) {
    throw BudgetRefusal(TALKRT_ERROR_OUT_OF_MEMORY, message, nullptr, MemoryKind::device, 1);
  }
  throw Error(TALKRT_ERROR_BACKEND_FAILED, message);
}

std::byte* CudaDevice::take(MemoryKind kind, std::size_t bytes) const {
  void* out = nullptr;
  cuda::Why why{};
  check(table_->take(index_, memory_of(kind), bytes, &out, &why), why);
  return static_cast<std::byte*>(out);
}

void CudaDevice::give(MemoryKind kind, std::byte* memory) const noexcept {
  table_->give(index_, memory_of(kind), memory);
}

std::optional<std::uint64_t> CudaDevice::free_bytes() const noexcept {
  std::uint64_t bytes = 0;
  cuda::Why why{};
  if (table_->free_memory(index_, &bytes, &why) != 0) return std::nullopt;
  return bytes;
}

void CudaDevice::require_alive() const {
  std::uint64_t bytes = 0;
  call([&](auto& table, auto* why) { return table.free_memory(index_, &bytes, why); });
}

void CudaDevice::copy_in(void* to, std::span<const std::byte> from) const {
  if (from.empty()) return;
  cuda::Why why{};
  check(table_->copy_in(index_, to, from.data(), from.size(), &why), why);
}

void CudaDevice::copy_out(std::span<std::byte> to, const void* from) const {
  if (to.empty()) return;
  cuda::Why why{};
  check(table_->copy_out(index_, to.data(), from, to.size(), &why), why);
}

CudaTicket::CudaTicket(const CudaDevice& gpu) : gpu_(&gpu), ticket_(nullptr, gpu.table().destroy_ticket) {
  cuda::Ticket* made = nullptr;
  cuda::Why why{};
  gpu.check(gpu.table().create_ticket(gpu.index(), &made, &why), why);
  ticket_.reset(made);
}

void CudaTicket::wait() const {
  cuda::Why why{};
  gpu_->check(gpu_->table().wait(ticket_.get(), &why), why);
}

void CudaTicket::follow(CUstream_st* stream) const {
  gpu_->call([&](auto& table, auto* why) { return table.follow(ticket_.get(), stream, why); });
}

void CudaTicket::record(CUstream_st* stream) const {
  gpu_->call([&](auto& table, auto* why) { return table.record(ticket_.get(), stream, why); });
}

}  // namespace talkrt::device
