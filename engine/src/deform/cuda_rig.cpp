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

std::size_t total_of(gaussian::RigView& rig, std::size_t entries) {
  std::size_t total = 0;
  for_each_array(rig, entries, [&](const auto*&, std::size_t bytes) { total += aligned(bytes); });
  return total;
}

}  // namespace

std::uint64_t CudaRig::bytes(const plan::Plan& plan, bool posed) {
  const plan::Gaussian& spec = *plan.manifest().gaussian;
  gaussian::RigView rig;
  rig.rest.count = spec.count;
  rig.rest.sh_degree = spec.sh_degree;
  if (const plan::TensorView* layers = plan.find("gaussian/layers")) {
    rig.rest.layers = reinterpret_cast<const std::uint8_t*>(layers->bytes.data());
  }
  if (!posed) return total_of(rig, 0);
  rig.joints = static_cast<int>(spec.joints.size());
  return total_of(rig, static_cast<std::size_t>(plan.find("gaussian/basis/blocks")->shape[0]));
}

CudaRig::CudaRig(const gaussian::RigView& rig, const device::CudaDevice& gpu, device::Budget& budget)
    : view_(rig) {
  const std::size_t entries = rig.joints == 0 ? 0 : rig.block_entries[gaussian::blocks_of(rig.rest.count)];
  memory_ = device::Buffer(budget, "Gaussians on the GPU", total_of(view_, entries),
                           device::MemoryKind::device, gpu);
  std::byte* at = memory_.data();
  for_each_array(view_, entries, [&]<class T>(const T*& array, std::size_t bytes) {
    gpu.copy_in(at, {reinterpret_cast<const std::byte*>(array), bytes});
    array = reinterpret_cast<const T*>(at);
    at += aligned(bytes);
  });
}

}  // namespace talkrt::deform
