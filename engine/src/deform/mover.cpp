// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/mover.hpp"

#include <algorithm>

namespace talkrt::deform {

Mover::Mover(const plan::Plan& plan, const gaussian::Splats& rest, const Networks& networks,
             const nn::ChainInstance& chain, device::Budget& budget)
    : budget_(&budget), outputs_(plan, rest, chain, budget), networks_(networks.views()) {
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (!deform.network) continue;
    inputs_.push_back({chain.output(deform.network->mix_graph, deform.network->mix_output).data(), 1});
  }
}

void Mover::take(float strength, Executor& executor) {
  outputs_.take(strength, executor);
  for (gaussian::NetworkInput& input : inputs_) input.strength = strength;
}

const gaussian::Splats& Mover::posed(Executor& executor) {
  const gaussian::Splats& rest = splats();
  if (networks_.empty()) return rest;
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * gaussian::kBlock;
  if (means_.size() == 0) {
    means_ = device::Buffer(*budget_, "posed means", 3 * lanes * sizeof(float));
    frames_ = device::Buffer(*budget_, "posed frames", 9 * lanes * sizeof(float));
  }
  posed_ = rest;
  posed_.means = std::copy_n(rest.means, 3 * lanes, means_.as<float>().data()) - 3 * lanes;
  posed_.frames = std::copy_n(rest.frames, 9 * lanes, frames_.as<float>().data()) - 9 * lanes;
  gaussian::move_cpu(rest, movement(), {means_.as<float>().data(), frames_.as<float>().data()}, executor);
  return posed_;
}

}  // namespace talkrt::deform
