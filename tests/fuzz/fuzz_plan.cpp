// SPDX-License-Identifier: Apache-2.0
//
// Bytes in, a validated plan or an Error out: nothing else may happen. What the reader accepts must keep
// the promises that the rest of the engine builds on, so those are checked here once more.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <talkrt/error.hpp>

#include "engine/src/plan/plan.hpp"

namespace {

using talkrt::plan::Plan;

void require(bool promise) {
  if (!promise) std::abort();
}

void check_tensors(const Plan& plan) {
  const auto bytes = plan.bytes();
  for (const std::string_view name : plan.names()) {
    const auto* tensor = plan.find(name);
    require(tensor != nullptr);
    std::uint64_t size = size_of(tensor->dtype);
    for (const std::int64_t dim : tensor->shape) size *= static_cast<std::uint64_t>(dim);
    require(size == tensor->bytes.size());
    require(tensor->bytes.data() >= bytes.data());
    require(tensor->bytes.data() + size <= bytes.data() + bytes.size());
    (void)plan.require(name, tensor->dtype, tensor->shape);
  }
}

void check_graphs(const Plan& plan) {
  std::set<std::string> before;
  for (const auto& graph : plan.manifest().graphs) {
    require(plan.find("graph/" + graph.name) != nullptr);
    for (const auto& port : graph.inputs) {
      const bool source = port.from == "features" || port.from == "controls" || port.from == "pipeline";
      require(source || before.contains(port.from.substr(0, port.from.find('.'))));
    }
    for (const auto& state : graph.states) require(state.init.empty() || plan.find(state.init) != nullptr);
    before.insert(graph.name);
  }
}

void check_rig(const Plan& plan) {
  const auto& manifest = plan.manifest();
  const bool is_gaussian = manifest.model == "gaussian" || manifest.is_scene() || manifest.is_avatar();
  require(manifest.gaussian.has_value() == is_gaussian);
  if (!manifest.gaussian || manifest.is_avatar()) return;
  if (manifest.is_scene()) {
    require(manifest.graphs.empty() && manifest.gaussian->joints.empty() && manifest.sample_rate == 0);
    return;
  }
  require(manifest.motion.has_value() && manifest.features.has_value());
  const auto& gaussian = *manifest.gaussian;
  const auto known = [&](int channel) {
    require(channel >= 0 && static_cast<std::size_t>(channel) < gaussian.channels.size());
  };
  for (const auto& shape : gaussian.shapes) {
    for (const auto& factor : shape.factors) {
      known(factor.channel);
      for (std::size_t k = 1; k < factor.knots.size(); ++k) {
        require(factor.knots[k - 1].first < factor.knots[k].first);
      }
    }
  }
  for (std::size_t j = 0; j < gaussian.joints.size(); ++j) {
    require(gaussian.joints[j].parent >= -1 && gaussian.joints[j].parent < static_cast<int>(j));
    for (const auto& drive : gaussian.joints[j].rotation) known(drive.channel);
    for (const auto& drive : gaussian.joints[j].translation) known(drive.channel);
  }
  for (const auto& row : manifest.motion->coefficients) {
    for (const int channel : row.channels) known(channel);
  }
  for (const auto& emotion : manifest.motion->emotions) {
    for (const auto& [channel, value] : emotion.channels) known(channel);
  }
  require(manifest.motion->emotions.size() == 8);
}

void check_engines(const Plan& plan) {
  std::set<std::string> seen;
  for (const auto& engine : plan.manifest().engines) {
    require(seen.insert(engine.tensor).second && engine.tensor.starts_with("engine/" + engine.graph + "/"));
    require(talkrt::plan::engine_version(plan.find(engine.tensor)->bytes) == engine.tensorrt);
    require(talkrt::plan::graph_source(plan, engine.graph).size() == engine.source.size());
    for (const auto& [name, tensor] : engine.refit) require(plan.find(tensor) != nullptr);
  }
}

void check_vasa1(const Plan& plan) {
  const auto& manifest = plan.manifest();
  require(manifest.vasa1.has_value() == (manifest.model == "vasa1"));
  if (!manifest.vasa1) return;
  const auto& spec = *manifest.vasa1;
  const auto& roles = spec.graphs;
  require(manifest.sample_rate == 16000 && manifest.width == spec.side && manifest.height == spec.side);
  for (const auto& name : {roles.portrait_motion, roles.portrait_appearance, roles.speech, roles.denoise,
                           roles.warp, roles.picture}) {
    require(plan.find("graph/" + name) != nullptr);
  }
  require(!spec.stitching || !roles.stitch.empty());
  require(spec.previous >= 1 && spec.previous <= spec.frames && spec.default_steps <= spec.steps);
  require(plan.find("vasa1/start_motion") != nullptr && manifest.check.has_value() == spec.check.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Plan plan(std::as_bytes(std::span(data, size)), "fuzz");
    check_tensors(plan);
    check_graphs(plan);
    check_rig(plan);
    check_engines(plan);
    check_vasa1(plan);
  } catch (const talkrt::Error& error) {
    require(error.code() == TALKRT_ERROR_PLAN_CORRUPT || error.code() == TALKRT_ERROR_PLAN_UNSUPPORTED);
    require(std::string_view(error.what()).starts_with("fuzz: "));
  }
  return 0;
}
