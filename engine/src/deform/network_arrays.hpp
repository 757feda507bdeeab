// SPDX-License-Identifier: Apache-2.0
//
// Which arrays a network of an avatar has, and how large they are: for counting them before they are there,
// and for copying them.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/src/deform/networks.hpp"
#include "kernels/gaussian/splats.hpp"

namespace talkrt::deform {

/// Calls visit(pointer member, floats) for every array, the same way for counting and for copying.
template <class Visit>
void for_each_array(gaussian::PointNetwork& network, Visit&& visit) {
  const std::size_t lanes = static_cast<std::size_t>(network.blocks()) * gaussian::kBlock;
  const auto width = [&](int i) { return static_cast<std::size_t>(network.widths[i]); };
  visit(network.still, lanes * width(0));
  if (network.attended > 0) visit(network.attention, lanes * static_cast<std::size_t>(network.attended));
  for (int i = 0; i < network.layers; ++i) visit(network.weights[i], width(i) * width(i + 1));
  if (!network.turns()) return;
  visit(network.quats, lanes * 4);
  visit(network.scales, lanes * 3);
}

template <class Visit>
void for_each_array(gaussian::AttentionBranch& branch, std::size_t width, std::size_t numbers,
                    Visit&& visit) {
  if (branch.width == 0) return;
  const auto inner = static_cast<std::size_t>(branch.width);
  visit(branch.first, width * inner);
  visit(branch.first_bias, inner);
  visit(branch.second, inner * numbers);
  visit(branch.second_bias, numbers);
}

template <class Visit>
void for_each_array(gaussian::AttentionNetwork& network, int sh_degree, Visit&& visit) {
  const std::size_t lanes = static_cast<std::size_t>(network.blocks()) * gaussian::kBlock;
  const auto width = static_cast<std::size_t>(network.width),
             hidden = static_cast<std::size_t>(network.hidden);
  visit(network.still, lanes * width);
  visit(network.hidden_still, lanes * hidden);
  for (int l = 0; l < network.layers; ++l) {
    gaussian::AttentionLayer& layer = network.layer[l];
    if (l > 0) visit(layer.first, width * hidden);
    visit(layer.first_bias, hidden);
    visit(layer.second, hidden * width);
    for (const float** vector : {&layer.second_bias, &layer.gain, &layer.norm_gain, &layer.norm_bias}) {
      visit(*vector, width);
    }
  }
  for_each_array(network.move, width, 3, visit);
  for_each_array(network.turn, width, 4, visit);
  for_each_array(network.scale, width, 3, visit);
  for_each_array(network.fade, width, 1, visit);
  for_each_array(network.paint, width, 3 * static_cast<std::size_t>(gaussian::sh_bases(sh_degree)), visit);
  if (network.turns()) {
    visit(network.quats, lanes * 4);
    visit(network.scales, lanes * 3);
  }
  if (network.fade.width > 0) visit(network.opacities, lanes);
}

/// Calls visit(floats) for every array of the networks of a plan that are kernels.
template <class Visit>
void for_each_network_array(const plan::Plan& plan, Visit&& visit) {
  const auto count = [&](const float*&, std::size_t floats) { visit(floats); };
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (deform.network) {
      gaussian::PointNetwork shape = Networks::shape_of(deform, *deform.network);
      for_each_array(shape, count);
    }
    if (deform.attention) {
      gaussian::AttentionNetwork shape = Networks::shape_of(deform, *deform.attention);
      for_each_array(shape, plan.manifest().gaussian->sh_degree, count);
    }
  }
}

}  // namespace talkrt::deform
