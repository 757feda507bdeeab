// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/mover.hpp"

#include <algorithm>

namespace talkrt::deform {

Mover::Mover(const plan::Plan& plan, const gaussian::Splats& rest, const Networks& networks,
             const nn::ChainInstance& chain, device::Budget& budget)
    : budget_(&budget), outputs_(plan, rest, chain, budget), networks_(&networks) {
  std::size_t floats = 0;
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (!deform.is_kernel()) continue;
    const std::span<const float> made = chain.output(deform.mix_graph(), deform.mix_output());
    (deform.network ? layered_mixes_ : attending_mixes_).push_back({made, {}, {}, made.data()});
    floats += 2 * made.size();
  }
  layered_.resize(layered_mixes_.size());
  attending_.resize(attending_mixes_.size());
  const auto hide_floats = [](const gaussian::AttentionNetwork& network) {
    return (static_cast<std::size_t>(network.attended()) + 1) * static_cast<std::size_t>(network.hidden);
  };
  for (const gaussian::AttentionNetwork& network : networks.attending()) floats += hide_floats(network);

  mixes_ = device::Buffer(budget, "mixes", floats * sizeof(float));
  std::span<float> free = mixes_.as<float>();
  const auto part = [&](std::size_t count) {
    const std::span<float> out = free.first(count);
    free = free.subspan(count);
    return out;
  };
  for (std::vector<Mix>* mixes : {&layered_mixes_, &attending_mixes_}) {
    for (Mix& mix : *mixes) {
      mix.kept = part(mix.made.size());
      mix.between = part(mix.made.size());
    }
  }
  for (const gaussian::AttentionNetwork& network : networks.attending()) {
    const std::span<float> hide = hides_.emplace_back(part(hide_floats(network)));
    const auto hidden = static_cast<std::size_t>(network.hidden);
    std::copy_n(network.layer[0].first_bias, hidden, hide.last(hidden).begin());
  }
}

void Mover::Mix::hear(float share) {
  heard = made.data();
  if (share >= 1) return;
  for (std::size_t i = 0; i < made.size(); ++i) between[i] = kept[i] + share * (made[i] - kept[i]);
  heard = between.data();
}

void Mover::depart() {
  for (std::vector<Mix>* mixes : {&layered_mixes_, &attending_mixes_}) {
    for (Mix& mix : *mixes) std::copy_n(mix.heard, mix.kept.size(), mix.kept.begin());
  }
}

void Mover::take(float strength, float share, Executor& executor) {
  outputs_.take(strength, executor);
  for (std::size_t i = 0; i < layered_.size(); ++i) {
    layered_mixes_[i].hear(share);
    layered_[i] = {layered_mixes_[i].heard, strength};
  }
  for (std::size_t i = 0; i < attending_.size(); ++i) {
    Mix& mix = attending_mixes_[i];
    mix.hear(share);
    const gaussian::AttentionNetwork& network = networks_->attending()[i];
    const auto hide = static_cast<std::size_t>(network.attended()) * static_cast<std::size_t>(network.hidden);
    std::copy_n(mix.heard + (mix.made.size() - hide), hide, hides_[i].begin());
    attending_[i] = {mix.heard, hides_[i].data(), strength};
  }
}

void Mover::take_memory() {
  const gaussian::Splats& rest = splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest.count)) * gaussian::kBlock;
  const auto room = [&](device::Buffer& buffer, const char* what, std::size_t channels) {
    if (buffer.size() == 0) buffer = device::Buffer(*budget_, what, channels * lanes * sizeof(float));
  };
  room(means_, "posed means", 3);
  room(frames_, "posed frames", 9);
  if (attending_.empty()) return;
  room(opacities_, "posed opacities", 1);
  room(sh_, "posed colours", 3 * static_cast<std::size_t>(gaussian::sh_bases(rest.sh_degree)));
}

const gaussian::Splats& Mover::posed(Executor& executor) {
  const gaussian::Splats& rest = splats();
  if (layered_.empty() && attending_.empty()) return rest;
  take_memory();
  posed_ = rest;
  gaussian::PosedSplats out;
  const auto copied = [](const device::Buffer& to, const float*& from) {
    float* begin = to.as<float>().data();
    std::copy_n(from, to.size() / sizeof(float), begin);
    from = begin;
    return begin;
  };
  out.means = copied(means_, posed_.means);
  out.frames = copied(frames_, posed_.frames);
  if (!attending_.empty()) {
    out.opacities = copied(opacities_, posed_.opacities);
    out.sh = copied(sh_, posed_.sh);
  }
  gaussian::move_cpu(rest, movement(), out, executor);
  return posed_;
}

}  // namespace talkrt::deform
