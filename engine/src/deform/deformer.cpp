// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/deformer.hpp"

#include <algorithm>

#include "engine/src/deform/rig_pose.hpp"

namespace talkrt::deform {

Deformer::Deformer(const Rig& rig, const plan::Gaussian& spec, device::Budget& budget)
    : rig_(&rig), spec_(&spec), weights_(spec.shapes.size()), matrices_(12 * spec.joints.size()) {
  const gaussian::Splats& rest = rig.view().rest;
  const auto lanes = static_cast<std::size_t>(rig.blocks()) * gaussian::kBlock;
  const auto sh_channels = 3 * static_cast<std::size_t>(gaussian::sh_bases(rest.sh_degree));
  means_ = device::Buffer(budget, "posed means", 3 * lanes * sizeof(float));
  frames_ = device::Buffer(budget, "posed frames", 9 * lanes * sizeof(float));
  opacities_ = device::Buffer(budget, "posed opacities", lanes * sizeof(float));
  sh_ = device::Buffer(budget, "posed colours", sh_channels * lanes * sizeof(float));
  std::copy_n(rest.sh, sh_channels * lanes, sh_.as<float>().data());
  out_ = {means_.as<float>().data(), frames_.as<float>().data(), opacities_.as<float>().data(),
          sh_.as<float>().data()};
  posed_ = {rest.count, rest.sh_degree, out_.means, out_.frames, out_.opacities, out_.sh, rest.layers};
}

const gaussian::Splats& Deformer::pose(std::span<const float> channels, Executor& executor) {
  shape_weights(spec_->shapes, channels, weights_);
  joint_matrices(spec_->joints, channels, matrices_);
  gaussian::deform_cpu(rig_->view(), {weights_.data(), matrices_.data()}, out_, executor);
  return posed_;
}

}  // namespace talkrt::deform
