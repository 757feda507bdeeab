// SPDX-License-Identifier: Apache-2.0
//
// Which of a plan's TensorRT engines a GPU and a TensorRT can run: from the manifest alone, before any byte
// of an engine is handed to anybody.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

/// What is to run it.
struct EngineHost {
  std::string gpu;
  std::array<int, 2> compute_capability{};
  plan::TensorRtVersion tensorrt{};
  bool version_compatible_only = false;  // the lean and the dispatch runtime
};

struct EngineChoice {
  const plan::EngineSpec* engine = nullptr;
  std::string why;  // there is none; or, of the one there is, what is worth knowing
};

/// What an engine's weights take on a GPU: its own bytes, which are hardly more, or the tensors that it is
/// given.
std::uint64_t weight_bytes(const plan::Plan& plan, const plan::EngineSpec& engine);

/// An engine that was tuned for this very GPU, else for another of its compute capability. Does not compare
/// `source`, which reads the whole graph.
EngineChoice choose_engine(const plan::Plan& plan, const std::string& graph, const EngineHost& host);

}  // namespace talkrt::nn
