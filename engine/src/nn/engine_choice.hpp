// SPDX-License-Identifier: Apache-2.0
//
// Which of a plan's TensorRT engines a GPU and a TensorRT can run: from the manifest alone, before any byte
// of an engine is handed to anybody.
#pragma once

#include <array>
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

/// An engine that was tuned for this very GPU, else for another of its compute capability. Does not compare
/// `source`, which reads the whole graph.
EngineChoice choose_engine(const plan::Plan& plan, const std::string& graph, const EngineHost& host);

}  // namespace talkrt::nn
