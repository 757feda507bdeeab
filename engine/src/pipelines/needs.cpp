// SPDX-License-Identifier: Apache-2.0
//
// Sums that mirror what opening a plan does. What is not in them is charged when it comes: what a graph takes
// beside its weights, and memory that is held for a moment only.
#include "engine/src/pipelines/needs.hpp"

#include <algorithm>
#include <string>

#include "engine/src/deform/cuda_networks.hpp"
#include "engine/src/deform/cuda_rig.hpp"
#include "engine/src/deform/rig.hpp"
#include "engine/src/nn/graph_chain.hpp"
#include "engine/src/pipelines/avatar.hpp"

namespace talkrt::pipelines {
namespace {

using device::MemoryKind;
using Lines = std::vector<device::Budget::Line>;

Lines graph_lines(const plan::Plan& plan, nn::Backend& backend, std::span<const std::string> names) {
  Lines out;
  for (const plan::GraphSpec& spec : plan.manifest().graphs) {
    if (std::find(names.begin(), names.end(), spec.name) == names.end()) continue;
    out.push_back(backend.needs(plan, spec));
  }
  return out;
}

Lines cloud_lines(const plan::Plan& plan, bool on_gpu, bool posed) {
  Lines out{{"Gaussians", MemoryKind::host, deform::Cloud::bytes(plan)}};
  if (posed) out.push_back({"rig", MemoryKind::host, deform::Rig::bytes(plan)});
  if (on_gpu) {
    out.push_back({"Gaussians on the GPU", MemoryKind::device, deform::CudaRig::bytes(plan, posed)});
  }
  return out;
}

Lines network_lines(const plan::Plan& plan, bool on_gpu) {
  Lines out{{"networks of the Gaussians", MemoryKind::host, deform::Networks::bytes(plan)}};
  if (on_gpu) {
    out.push_back(
        {"networks of the Gaussians on the GPU", MemoryKind::device, deform::CudaNetworks::bytes(plan)});
  }
  return out;
}

std::vector<std::string> avatar_graphs(const plan::Plan& plan) {
  const plan::Manifest& manifest = plan.manifest();
  std::vector<std::string> out;
  for (const plan::GraphSpec* spec : nn::GraphChain::needed(plan, graphs_of(*manifest.avatar))) {
    out.push_back(spec->name);
  }
  if (manifest.rows->encoder) out.push_back(manifest.rows->encoder->graph);
  return out;
}

std::vector<std::string> portrait_graphs(const plan::Vasa1Spec& spec) {
  const auto& g = spec.graphs;
  std::vector<std::string> out{g.portrait_motion, g.portrait_appearance, g.speech, g.denoise, g.warp,
                               g.picture};
  if (spec.stitching) out.push_back(g.stitch);
  return out;
}

}  // namespace

Lines needs_of(const plan::Plan& plan, const std::function<nn::Backend&()>& backend, const render::Gpu* gpu) {
  const plan::Manifest& manifest = plan.manifest();
  Lines out{{"plan file", MemoryKind::host, plan.bytes().size(), true}};
  const auto add = [&](const Lines& lines) { out.insert(out.end(), lines.begin(), lines.end()); };
  if (manifest.model == "gaussian") {
    add(cloud_lines(plan, gpu != nullptr, true));
    add(graph_lines(plan, backend(), std::vector{manifest.motion->graph}));
  } else if (manifest.model == "scene") {
    add(cloud_lines(plan, gpu != nullptr, false));
  } else if (manifest.model == "avatar") {
    add(cloud_lines(plan, gpu != nullptr, false));
    add(network_lines(plan, gpu != nullptr));
    add(graph_lines(plan, backend(), avatar_graphs(plan)));
  } else if (manifest.model == "vasa1") {
    add(graph_lines(plan, backend(), portrait_graphs(*manifest.vasa1)));
  }
  return out;
}

}  // namespace talkrt::pipelines
