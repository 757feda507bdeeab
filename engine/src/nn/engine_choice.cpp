// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/engine_choice.hpp"

#include <algorithm>

namespace talkrt::nn {
namespace {

std::string described(const std::string& gpu, const std::array<int, 2>& capability) {
  return gpu + " (" + std::to_string(capability[0]) + "." + std::to_string(capability[1]) + ")";
}

/// "": it runs.
std::string refusal(const plan::EngineSpec& engine, const EngineHost& host) {
  const plan::TensorRtVersion& built = engine.tensorrt;
  const plan::TensorRtVersion& here = host.tensorrt;
  const std::string what = "the one that TensorRT " + plan::described(built) + " built";
  if (engine.compute_capability != host.compute_capability) {
    return "the one for " + described(engine.gpu, engine.compute_capability) +
           " is for another kind of GPU than " + described(host.gpu, host.compute_capability);
  }
  const bool same = std::equal(built.begin(), built.begin() + 3, here.begin());
  if (!engine.version_compatible) {
    if (host.version_compatible_only) return what + " is not version-compatible, as this runtime needs";
    return same ? "" : what + " runs in that version only, and this is " + plan::described(here);
  }
  const bool major = built[0] == here[0] || (built[0] == 10 && here[0] == 11);
  if (!major ||
      std::lexicographical_compare(here.begin(), here.begin() + 3, built.begin(), built.begin() + 3)) {
    return what + " does not run in " + plan::described(here);
  }
  return "";
}

}  // namespace

std::uint64_t weight_bytes(const plan::Plan& plan, const plan::EngineSpec& engine) {
  std::uint64_t out = 0;
  for (const auto& [name, tensor] : engine.refit) out += plan.find(tensor)->bytes.size();
  return engine.refit.empty() ? plan.find(engine.tensor)->bytes.size() : out;
}

EngineChoice choose_engine(const plan::Plan& plan, const std::string& graph, const EngineHost& host) {
  EngineChoice out;
  std::string refused;
  for (const plan::EngineSpec& engine : plan.manifest().engines) {
    if (engine.graph != graph) continue;
    if (const std::string why = refusal(engine, host); !why.empty()) {
      refused += (refused.empty() ? "" : ", ") + why;
      continue;
    }
    const bool better = out.engine == nullptr || (engine.gpu == host.gpu && out.engine->gpu != host.gpu) ||
                        (engine.gpu == out.engine->gpu && engine.tensorrt > out.engine->tensorrt);
    if (better) out.engine = &engine;
  }
  const std::string remedy = "; \"talkrt compile " + plan.label() + "\" adds one for the GPU at hand";
  if (out.engine == nullptr) {
    out.why = refused.empty() ? "the plan has no TensorRT engine of it" + remedy
                              : "of its TensorRT engines, " + refused + remedy;
  } else if (out.engine->gpu != host.gpu) {
    out.why = "its engine was tuned for " + out.engine->gpu + remedy;
  }
  return out;
}

}  // namespace talkrt::nn
