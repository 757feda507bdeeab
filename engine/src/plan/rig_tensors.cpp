// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <string>

#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"
#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kLanes = 16;     // Gaussians in a block
constexpr std::int64_t kChannels = 16;  // of a delta
constexpr float kSumTolerance = 4e-3f;  // 16 weights, each rounded to a half

std::string at(std::string_view name, std::size_t index) {
  return "tensor " + std::string(name) + "[" + std::to_string(index) + "]";
}

void check_basis(const Gaussian& gaussian, const TensorMap& tensors, std::string_view label,
                 std::int64_t block_count) {
  constexpr std::string_view kBlocks = "gaussian/basis/blocks";
  constexpr std::string_view kShapes = "gaussian/basis/shapes";
  const std::array<std::int64_t, 1> any{-1};
  const TensorView& blocks = require_tensor(tensors, label, kBlocks, DType::u32, any);
  const std::int64_t entries = blocks.shape[0];
  const std::array<std::int64_t, 1> offset_dims{static_cast<std::int64_t>(gaussian.shapes.size()) + 1};
  const TensorView& offsets = require_tensor(tensors, label, kShapes, DType::u32, offset_dims);
  const std::array<std::int64_t, 3> delta_dims{entries, kChannels, kLanes};
  require_tensor(tensors, label, "gaussian/basis/deltas", DType::f16, delta_dims);

  if (const auto first = element<std::uint32_t>(offsets, 0); first != 0) {
    refuse(label, at(kShapes, 0), std::to_string(first), "0");
  }
  for (std::size_t s = 0; s < gaussian.shapes.size(); ++s) {
    const auto begin = element<std::uint32_t>(offsets, s);
    const auto end = element<std::uint32_t>(offsets, s + 1);
    if (end < begin || end > entries) {
      refuse(label, at(kShapes, s + 1), std::to_string(end),
             std::to_string(begin) + " to " + std::to_string(entries) + ": offsets ascend");
    }
    for (std::size_t e = begin; e < end; ++e) {
      const auto block = element<std::uint32_t>(blocks, e);
      if (block >= block_count) {
        refuse(label, at(kBlocks, e), std::to_string(block),
               "below the " + std::to_string(block_count) + " blocks");
      }
      if (e > begin && block <= element<std::uint32_t>(blocks, e - 1)) {
        refuse(label, at(kBlocks, e), std::to_string(block),
               "more than the entry before it: blocks ascend within shape " +
                   in_quotes(gaussian.shapes[s].name));
      }
    }
  }
  const auto last = element<std::uint32_t>(offsets, gaussian.shapes.size());
  if (last != entries) {
    refuse(label, at(kShapes, gaussian.shapes.size()), std::to_string(last),
           std::to_string(entries) + ", the number of entries");
  }
}

void check_joint_weights(const Gaussian& gaussian, const TensorMap& tensors, std::string_view label,
                         std::int64_t block_count) {
  constexpr std::string_view kName = "gaussian/joint_weights";
  const auto joints = gaussian.joints.size();
  const std::array<std::int64_t, 3> dims{block_count, static_cast<std::int64_t>(joints), kLanes};
  const TensorView& weights = require_tensor(tensors, label, kName, DType::f16, dims);
  for (std::size_t g = 0; g < static_cast<std::size_t>(gaussian.count); ++g) {
    const std::size_t block = g / kLanes;
    float sum = 0;
    for (std::size_t j = 0; j < joints; ++j) {
      const std::size_t index = (block * joints + j) * kLanes + g % kLanes;
      const float weight = half_element(weights, index);
      if (!(weight >= 0 && weight <= 1))
        refuse(label, at(kName, index), described(weight), "a weight of 0 to 1");
      sum += weight;
    }
    if (!(std::abs(sum - 1) <= kSumTolerance)) {
      refuse(label, "tensor " + std::string(kName) + ": the sum for Gaussian " + std::to_string(g),
             described(sum), "1");
    }
  }
}

}  // namespace

void check_rig_tensors(const Gaussian& gaussian, const TensorMap& tensors, std::string_view label) {
  const std::int64_t block_count = (std::int64_t{gaussian.count} + kLanes - 1) / kLanes;
  check_basis(gaussian, tensors, label, block_count);
  check_joint_weights(gaussian, tensors, label, block_count);
}

}  // namespace talkrt::plan
