// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/deformer.hpp"

#include <algorithm>
#include <bit>

#include "engine/src/deform/rig_pose.hpp"

namespace talkrt::deform {
namespace {

/// Bit by bit, as the kernels see it: NaN equals itself.
bool same(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

}  // namespace

Deformer::Deformer(const Rig& rig, const plan::Gaussian& spec, device::Budget& budget)
    : rig_(&rig),
      spec_(&spec),
      budget_(&budget),
      weights_(spec.shapes.size()),
      matrices_(12 * spec.joints.size()),
      weights_before_(weights_.size()),
      matrices_before_(matrices_.size()),
      moving_(weights_.size()),
      changed_blocks_(static_cast<std::size_t>(rig.blocks())) {
  set(std::vector<float>(spec.channels.size()));
  changes_ = {nullptr, 0, true};
}

void Deformer::set(std::span<const float> channels) {
  weights_before_.swap(weights_);
  matrices_before_.swap(matrices_);
  shape_weights(spec_->shapes, channels, weights_);
  joint_matrices(spec_->joints, channels, matrices_);
  find_changes();
}

void Deformer::find_changes() {
  const gaussian::RigView& rig = rig_->view();
  unsigned joints = 0;
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    if (!same(matrices_[i], matrices_before_[i])) joints |= 1u << i / 12;
  }
  changes_ = {changed_blocks_.data(), 0, (joints & rig_->main_joints()) != 0};
  if (changes_.all) return;
  for (std::size_t s = 0; s < weights_.size(); ++s) moving_[s] = !same(weights_[s], weights_before_[s]);
  const std::uint32_t* entries = rig.block_entries;
  for (int b = 0; b < rig_->blocks(); ++b) {
    const bool moves = (rig.joint_masks[b] & joints) != 0 ||
                       std::any_of(rig.entry_shapes + entries[b], rig.entry_shapes + entries[b + 1],
                                   [&](std::uint16_t shape) { return moving_[shape] != 0; });
    changed_blocks_[static_cast<std::size_t>(changes_.count)] = static_cast<std::uint32_t>(b);
    changes_.count += moves ? 1 : 0;
  }
}

const gaussian::Splats& Deformer::posed(Executor& executor) {
  if (out_.means == nullptr) make_room();
  gaussian::deform_cpu(rig(), pose(), out_, executor);
  return posed_;
}

void Deformer::make_room() {
  const gaussian::Splats& rest = rig().rest;
  const auto lanes = static_cast<std::size_t>(rig_->blocks()) * gaussian::kBlock;
  const auto sh_channels = 3 * static_cast<std::size_t>(gaussian::sh_bases(rest.sh_degree));
  means_ = device::Buffer(*budget_, "posed means", 3 * lanes * sizeof(float));
  frames_ = device::Buffer(*budget_, "posed frames", 9 * lanes * sizeof(float));
  opacities_ = device::Buffer(*budget_, "posed opacities", lanes * sizeof(float));
  sh_ = device::Buffer(*budget_, "posed colours", sh_channels * lanes * sizeof(float));
  std::copy_n(rest.sh, sh_channels * lanes, sh_.as<float>().data());
  out_ = {means_.as<float>().data(), frames_.as<float>().data(), opacities_.as<float>().data(),
          sh_.as<float>().data()};
  posed_ = {rest.count, rest.sh_degree, out_.means, out_.frames, out_.opacities, out_.sh, rest.layers};
}

}  // namespace talkrt::deform
