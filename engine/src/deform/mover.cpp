// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/mover.hpp"

#include <algorithm>

namespace talkrt::deform {

Mover::Mover(const plan::Plan& plan, const gaussian::Splats& rest, const Networks& networks,
             const nn::ChainInstance& chain, device::Budget& budget)
    : budget_(&budget), outputs_(plan, rest, chain, budget), networks_(networks.views()) {
  std::size_t floats = 0;
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (!deform.network) continue;
    const std::span<const float> made = chain.output(deform.network->mix_graph, deform.network->mix_output);
    inputs_.push_back({made.data(), 1});
    mixes_.push_back({made, {}, {}});
    floats += made.size();
  }
  between_ = device::Buffer(budget, "mixes", 2 * floats * sizeof(float));
  std::span<float> free = between_.as<float>();
  for (Mix& mix : mixes_) {
    for (std::span<float>* part : {&mix.kept, &mix.heard}) {
      *part = free.first(mix.made.size());
      free = free.subspan(mix.made.size());
    }
  }
}

void Mover::depart() {
  for (std::size_t i = 0; i < mixes_.size(); ++i) {
    std::copy_n(inputs_[i].mix, mixes_[i].kept.size(), mixes_[i].kept.begin());
  }
}

void Mover::take(float strength, float share, Executor& executor) {
  outputs_.take(strength, executor);
  for (std::size_t i = 0; i < mixes_.size(); ++i) {
    const Mix& mix = mixes_[i];
    inputs_[i] = {mix.made.data(), strength};
    if (share >= 1) continue;
    for (std::size_t k = 0; k < mix.heard.size(); ++k) {
      mix.heard[k] = mix.kept[k] + share * (mix.made[k] - mix.kept[k]);
    }
    inputs_[i].mix = mix.heard.data();
  }
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
