// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/cuda_rig.hpp"

#include <cstddef>
#include <span>

namespace talkrt::deform {
namespace {

using gaussian::kBlock;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// Calls visit(pointer member, bytes) for every array, the same way for counting and for copying.
template <class Visit>
void for_each_array(gaussian::RigView& rig, std::size_t entries, Visit&& visit) {
  const auto blocks = static_cast<std::size_t>(gaussian::blocks_of(rig.rest.count));
  const auto bases = static_cast<std::size_t>(gaussian::sh_bases(rig.rest.sh_degree));
  visit(rig.rest.means, blocks * 3 * kBlock * sizeof(float));
  visit(rig.rest.frames, blocks * 9 * kBlock * sizeof(float));
  visit(rig.rest.opacities, blocks * kBlock * sizeof(float));
  visit(rig.rest.sh, blocks * 3 * bases * kBlock * sizeof(float));
  if (rig.rest.layers != nullptr) visit(rig.rest.layers, blocks * kBlock);
  if (rig.joints == 0) return;
  visit(rig.block_entries, (blocks + 1) * sizeof(std::uint32_t));
  visit(rig.entry_shapes, entries * sizeof(std::uint16_t));
  visit(rig.deltas, entries * gaussian::kDeltaChannels * kBlock * sizeof(std::uint16_t));
  visit(rig.joint_weights, blocks * static_cast<std::size_t>(rig.joints) * kBlock * sizeof(std::uint16_t));
  visit(rig.joint_masks, blocks * sizeof(std::uint16_t));
}

constexpr const char* kLine = "Gaussians on the GPU";

}  // namespace

void CudaRig::require_room(std::int64_t gaussians, int sh_degree, device::Budget& budget) {
  gaussian::RigView rest;
  rest.rest.count = gaussians;
  rest.rest.sh_degree = sh_degree;
  std::size_t total = 0;
  for_each_array(rest, 0, [&](const auto*&, std::size_t bytes) { total += aligned(bytes); });
  budget.charge(kLine, device::MemoryKind::device, total);
  budget.refund(kLine, device::MemoryKind::device, total);
}

CudaRig::CudaRig(const gaussian::RigView& rig, const device::CudaDevice& gpu, device::Budget& budget)
    : view_(rig) {
  const std::size_t entries = rig.joints == 0 ? 0 : rig.block_entries[gaussian::blocks_of(rig.rest.count)];
  std::size_t total = 0;
  for_each_array(view_, entries, [&](const auto*&, std::size_t bytes) { total += aligned(bytes); });
  memory_ = device::Buffer(budget, kLine, total, device::MemoryKind::device, gpu);
  std::byte* at = memory_.data();
  for_each_array(view_, entries, [&]<class T>(const T*& array, std::size_t bytes) {
    gpu.copy_in(at, {reinterpret_cast<const std::byte*>(array), bytes});
    array = reinterpret_cast<const T*>(at);
    at += aligned(bytes);
  });
}

}  // namespace talkrt::deform
