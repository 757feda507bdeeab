// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/rig.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace talkrt::deform {
namespace {

using gaussian::kBlock;
using gaussian::kDeltaChannels;

constexpr std::size_t kDeltaHalves = std::size_t{kDeltaChannels} * kBlock;  // of one entry

template <class T>
std::vector<T> copied(const plan::TensorView& tensor) {
  std::vector<T> out(tensor.bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size() * sizeof(T));
  return out;
}

bool is_half_nonzero(std::uint16_t half) { return (half & 0x7fff) != 0; }

}  // namespace

std::uint64_t Rig::bytes(const plan::Plan& plan) {
  const auto blocks = static_cast<std::uint64_t>(gaussian::blocks_of(plan.manifest().gaussian->count));
  const auto entries = static_cast<std::uint64_t>(plan.find("gaussian/basis/blocks")->shape[0]);
  return (blocks + 1) * sizeof(std::uint32_t) + entries * (1 + kDeltaHalves) * sizeof(std::uint16_t) +
         plan.find("gaussian/joint_weights")->bytes.size() + blocks * sizeof(std::uint16_t);
}

Rig::Rig(const plan::Plan& plan, device::Budget& budget) : cloud_(plan, budget) {
  view_.rest = cloud_.splats();
  load_bases(plan, budget);
  load_joints(plan, budget);
}

void Rig::load_bases(const plan::Plan& plan, device::Budget& budget) {
  const auto shape_count = static_cast<std::int64_t>(plan.manifest().gaussian->shapes.size());
  const auto blocks = static_cast<std::size_t>(this->blocks());
  view_.shapes = static_cast<int>(shape_count);
  const auto offsets = copied<std::uint32_t>(
      plan.require("gaussian/basis/shapes", plan::DType::u32, std::array{shape_count + 1}));
  const auto& index = plan.require("gaussian/basis/blocks", plan::DType::u32, std::array{std::int64_t{-1}});
  const auto entry_blocks = copied<std::uint32_t>(index);
  const std::size_t entries = entry_blocks.size();
  const auto& deltas =
      plan.require("gaussian/basis/deltas", plan::DType::f16,
                   std::array{index.shape[0], std::int64_t{kDeltaChannels}, std::int64_t{kBlock}});

  block_entries_ = device::Buffer(budget, "rig: block index", (blocks + 1) * sizeof(std::uint32_t));
  const auto begins = block_entries_.as<std::uint32_t>();
  for (const std::uint32_t block : entry_blocks) ++begins[block + 1];
  for (std::size_t b = 0; b < blocks; ++b) begins[b + 1] += begins[b];

  entry_shapes_ = device::Buffer(budget, "rig: shapes of entries", entries * sizeof(std::uint16_t));
  deltas_ = device::Buffer(budget, "rig: deltas", entries * kDeltaHalves * sizeof(std::uint16_t));
  std::vector<std::uint32_t> next(begins.begin(), begins.end() - 1);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::size_t e = offsets[s]; e < offsets[s + 1]; ++e) {
      const std::size_t to = next[entry_blocks[e]]++;  // shapes ascend, so they do within each block
      entry_shapes_.as<std::uint16_t>()[to] = static_cast<std::uint16_t>(s);
      std::memcpy(deltas_.as<std::uint16_t>().data() + to * kDeltaHalves,
                  deltas.bytes.data() + e * kDeltaHalves * sizeof(std::uint16_t),
                  kDeltaHalves * sizeof(std::uint16_t));
    }
  }
  view_.block_entries = begins.data();
  view_.entry_shapes = entry_shapes_.as<std::uint16_t>().data();
  view_.deltas = deltas_.as<std::uint16_t>().data();
}

void Rig::load_joints(const plan::Plan& plan, device::Budget& budget) {
  const auto joints = static_cast<std::int64_t>(plan.manifest().gaussian->joints.size());
  const auto& weights = plan.require("gaussian/joint_weights", plan::DType::f16,
                                     std::array{std::int64_t{blocks()}, joints, std::int64_t{kBlock}});
  joint_weights_ = device::Buffer(budget, "rig: joint weights", weights.bytes.size());
  std::memcpy(joint_weights_.data(), weights.bytes.data(), weights.bytes.size());
  joint_masks_ =
      device::Buffer(budget, "rig: joint masks", static_cast<std::size_t>(blocks()) * sizeof(std::uint16_t));
  const auto masks = joint_masks_.as<std::uint16_t>();
  const auto halves = joint_weights_.as<std::uint16_t>();
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const std::size_t row = i / kBlock, per_block = static_cast<std::size_t>(joints);
    if (is_half_nonzero(halves[i])) {
      masks[row / per_block] = static_cast<std::uint16_t>(masks[row / per_block] | 1u << row % per_block);
    }
  }
  view_.joints = static_cast<int>(joints);
  view_.joint_weights = halves.data();
  view_.joint_masks = masks.data();
  for (unsigned j = 0; j < static_cast<unsigned>(joints); ++j) {
    const auto moved = std::count_if(masks.begin(), masks.end(), [&](auto mask) { return mask >> j & 1; });
    if (2 * moved > blocks()) main_joints_ |= 1u << j;
  }
}

}  // namespace talkrt::deform
