// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/networks.hpp"

#include <array>

#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::deform {
namespace {

using gaussian::kBlock;

static_assert(gaussian::kMaxNetworkWidth == 256 && gaussian::kMaxNetworkLayers == 7, "FORMAT section 8.1");

/// A tensor's numbers in the order of the file, halves widened.
device::Buffer floats_of(const plan::Plan& plan, const std::string& name, device::Budget& budget) {
  const plan::TensorView& tensor = *plan.find(name);
  const std::size_t count = tensor.bytes.size() / plan::size_of(tensor.dtype);
  device::Buffer out(budget, "networks of the Gaussians", count * sizeof(float));
  const auto values = out.as<float>();
  for (std::size_t i = 0; i < count; ++i) {
    values[i] =
        tensor.dtype == plan::DType::f16 ? plan::half_element(tensor, i) : plan::element<float>(tensor, i);
  }
  plan.forget(tensor);
  return out;
}

/// Rows [first, first + count) of a tensor [N, channels] in blocks; padding repeats the last row.
device::Buffer blocks_of(const plan::Plan& plan, const std::string& name, int first, int count,
                         device::Budget& budget) {
  const plan::TensorView& tensor = *plan.find(name);
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(count)) * kBlock;
  device::Buffer out(budget, "networks of the Gaussians", lanes * channels * sizeof(float));
  const auto values = out.as<float>();
  for (std::size_t i = 0; i < lanes; ++i) {
    const auto row = static_cast<std::size_t>(first) + std::min(i, static_cast<std::size_t>(count) - 1);
    for (std::size_t c = 0; c < channels; ++c) {
      values[(i / kBlock * channels + c) * kBlock + i % kBlock] =
          plan::element<float>(tensor, row * channels + c);
    }
  }
  return out;
}

gaussian::ScaleActivation activation_of(const plan::DeformNetwork& network) {
  if (network.scales < 0) return gaussian::ScaleActivation::none;
  return network.scale_activation == plan::ScaleActivation::exp ? gaussian::ScaleActivation::exp
                                                                : gaussian::ScaleActivation::softplus;
}

}  // namespace

Networks::Networks(const plan::Plan& plan, device::Budget& budget) {
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (!deform.network) continue;
    const plan::DeformNetwork& network = *deform.network;
    const std::string prefix = "gaussian/deform/" + deform.graph + "/";
    const auto keep = [&](device::Buffer buffer) -> const float* {
      return arrays_.emplace_back(std::move(buffer)).as<float>().data();
    };
    gaussian::PointNetwork view;
    view.first_block = deform.first / kBlock;
    view.count = deform.count;
    view.attended = network.attention;
    view.layers = static_cast<int>(network.widths.size()) - 1;
    std::copy(network.widths.begin(), network.widths.end(), view.widths);
    view.means_at = network.means;
    view.quats_at = network.quats;
    view.scales_at = network.scales;
    view.activation = activation_of(network);
    view.still = keep(floats_of(plan, prefix + "still", budget));
    if (network.attention > 0) view.attention = keep(floats_of(plan, prefix + "attention", budget));
    for (int i = 0; i < view.layers; ++i) {
      view.weights[i] = keep(floats_of(plan, prefix + "layer" + std::to_string(i), budget));
    }
    if (view.turns()) {
      // What does not move is as in the plan's own Gaussians, already after its activation.
      view.quats =
          keep(network.quats >= 0 ? blocks_of(plan, prefix + "quats", 0, deform.count, budget)
                                  : blocks_of(plan, "gaussian/quats", deform.first, deform.count, budget));
      view.scales =
          keep(network.scales >= 0 ? blocks_of(plan, prefix + "scales", 0, deform.count, budget)
                                   : blocks_of(plan, "gaussian/scales", deform.first, deform.count, budget));
    }
    views_.push_back(view);
  }
}

}  // namespace talkrt::deform
