// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/cuda_networks.hpp"

#include <cstddef>

namespace talkrt::deform {
namespace {

using gaussian::kBlock;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// Calls visit(pointer member, floats) for every array, the same way for counting and for copying.
template <class Visit>
void for_each_array(gaussian::PointNetwork& network, Visit&& visit) {
  const std::size_t lanes = static_cast<std::size_t>(network.blocks()) * kBlock;
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
  const std::size_t lanes = static_cast<std::size_t>(network.blocks()) * kBlock;
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

}  // namespace

CudaNetworks::CudaNetworks(const Networks& networks, int sh_degree, const device::CudaDevice& gpu,
                           device::Budget& budget)
    : layered_(networks.layered().begin(), networks.layered().end()),
      attending_(networks.attending().begin(), networks.attending().end()) {
  const auto for_all = [&](auto&& visit) {
    for (gaussian::PointNetwork& network : layered_) for_each_array(network, visit);
    for (gaussian::AttentionNetwork& network : attending_) for_each_array(network, sh_degree, visit);
  };
  std::size_t total = 0;
  for_all([&](const float*&, std::size_t floats) { total += aligned(floats * sizeof(float)); });
  memory_ =
      device::Buffer(budget, "networks of the Gaussians on the GPU", total, device::MemoryKind::device, gpu);
  std::byte* at = memory_.data();
  for_all([&](const float*& array, std::size_t floats) {
    gpu.copy_in(at, std::as_bytes(std::span(array, floats)));
    array = reinterpret_cast<const float*>(at);
    at += aligned(floats * sizeof(float));
  });
}

}  // namespace talkrt::deform
