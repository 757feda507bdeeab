// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "engine/src/plan/manifest.hpp"
#include "engine/src/plan/node.hpp"

namespace talkrt::plan {

/// Which graph of a vasa1 plan does what: `node` is the manifest's vasa1.graphs. `spec` has its sizes, and
/// every graph is checked against what its role takes and answers.
Vasa1Graphs read_roles(const Node& node, const Vasa1Spec& spec, const std::vector<GraphSpec>& graphs);

}  // namespace talkrt::plan
