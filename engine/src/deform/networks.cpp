// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/networks.hpp"

#include <algorithm>
#include <utility>

#include "engine/src/deform/network_arrays.hpp"

namespace talkrt::deform {
namespace {

using gaussian::kBlock;

static_assert(gaussian::kMaxNetworkWidth == 256 && gaussian::kMaxNetworkLayers == 7 &&
                  gaussian::kMaxAttentionLayers == 4 && gaussian::kMaxAttended == 32,
              "FORMAT section 8.1");

gaussian::ScaleActivation activation_of(bool scales, plan::ScaleActivation activation) {
  if (!scales) return gaussian::ScaleActivation::none;
  return activation == plan::ScaleActivation::exp ? gaussian::ScaleActivation::exp
                                                  : gaussian::ScaleActivation::softplus;
}

std::string prefix_of(const plan::Deform& deform) { return "gaussian/deform/" + deform.graph + "/"; }

}  // namespace

const float* Networks::keep(device::Buffer buffer) {
  return arrays_.emplace_back(std::move(buffer)).as<float>().data();
}

/// Where one of them moves, both: what does not is as in the plan's own Gaussians, after its activation.
template <class View>
void Networks::keep_shapes(const plan::Deform& deform, bool quats, bool scales, const NetworkTensors& tensors,
                           View& view) {
  if (!quats && !scales) return;
  const auto blocks = [&](const char* name, bool moves) {
    return keep(moves ? tensors.blocks(prefix_of(deform) + name, 0, deform.count)
                      : tensors.blocks(std::string("gaussian/") + name, deform.first, deform.count));
  };
  view.quats = blocks("quats", quats);
  view.scales = blocks("scales", scales);
}

gaussian::PointNetwork Networks::shape_of(const plan::Deform& deform, const plan::DeformNetwork& network) {
  gaussian::PointNetwork view;
  view.first_block = deform.first / kBlock;
  view.count = deform.count;
  view.attended = network.attention;
  view.layers = static_cast<int>(network.widths.size()) - 1;
  std::copy(network.widths.begin(), network.widths.end(), view.widths);
  view.means_at = network.means;
  view.quats_at = network.quats;
  view.scales_at = network.scales;
  view.activation = activation_of(network.scales >= 0, network.scale_activation);
  return view;
}

gaussian::PointNetwork Networks::layered(const plan::Deform& deform, const NetworkTensors& tensors) {
  const plan::DeformNetwork& network = *deform.network;
  const std::string prefix = prefix_of(deform);
  gaussian::PointNetwork view = shape_of(deform, network);
  view.still = keep(tensors.floats(prefix + "still"));
  if (network.attention > 0) view.attention = keep(tensors.floats(prefix + "attention"));
  for (int i = 0; i < view.layers; ++i) {
    view.weights[i] = keep(tensors.floats(prefix + "layer" + std::to_string(i)));
  }
  keep_shapes(deform, network.quats >= 0, network.scales >= 0, tensors, view);
  return view;
}

gaussian::AttentionNetwork Networks::shape_of(const plan::Deform& deform,
                                              const plan::AttentionNetwork& network) {
  gaussian::AttentionNetwork view;
  view.first_block = deform.first / kBlock;
  view.count = deform.count;
  view.layers = network.layers;
  view.width = network.width;
  view.hidden = network.hidden;
  view.heads = network.heads;
  view.tokens = network.tokens;
  view.activation = activation_of(network.scales > 0, network.scale_activation);
  view.move.width = network.means;
  view.turn.width = network.quats;
  view.scale.width = network.scales;
  view.fade.width = network.opacities;
  view.paint.width = network.sh;
  return view;
}

gaussian::AttentionNetwork Networks::attending(const plan::Deform& deform, const NetworkTensors& tensors) {
  const plan::AttentionNetwork& network = *deform.attention;
  const std::string prefix = prefix_of(deform);
  gaussian::AttentionNetwork view = shape_of(deform, network);
  view.still = keep(tensors.floats(prefix + "still"));
  view.hidden_still = keep(tensors.floats(prefix + "hidden"));
  for (int l = 0; l < view.layers; ++l) {
    const std::string of = prefix + "layer" + std::to_string(l) + "/";
    const auto vector = [&](const char* name) { return keep(tensors.floats(of + name)); };
    view.layer[l] = {l > 0 ? keep(tensors.packed(of + "first")) : nullptr,
                     vector("first_bias"),
                     keep(tensors.packed(of + "second")),
                     vector("second_bias"),
                     vector("gain"),
                     vector("norm_gain"),
                     vector("norm_bias")};
  }
  const auto branch = [&](const char* name, int width) -> gaussian::AttentionBranch {
    if (width == 0) return {};
    const std::string of = prefix + name + "/";
    return {width, keep(tensors.packed(of + "first")), keep(tensors.floats(of + "first_bias")),
            keep(tensors.packed(of + "second")), keep(tensors.floats(of + "second_bias"))};
  };
  view.move = branch("means", network.means);
  view.turn = branch("quats", network.quats);
  view.scale = branch("scales", network.scales);
  view.fade = branch("opacities", network.opacities);
  view.paint = branch("sh", network.sh);
  keep_shapes(deform, network.quats > 0, network.scales > 0, tensors, view);
  if (network.opacities > 0) view.opacities = keep(tensors.blocks(prefix + "opacities", 0, deform.count));
  return view;
}

std::uint64_t Networks::bytes(const plan::Plan& plan) {
  std::uint64_t total = 0;
  for_each_network_array(plan, [&](std::size_t floats) { total += floats * sizeof(float); });
  return total;
}

Networks::Networks(const plan::Plan& plan, device::Budget& budget) {
  const NetworkTensors tensors(plan, budget);
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (deform.network) layered_.push_back(layered(deform, tensors));
    if (deform.attention) attending_.push_back(attending(deform, tensors));
  }
}

}  // namespace talkrt::deform
