// SPDX-License-Identifier: Apache-2.0
//
// A graph's weights: the plan's tensors as ONNX Runtime values, in place.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::nn {

/// Owns the values, borrows the plan's bytes (and owns copies of the few that are not aligned for their
/// type).
class OnnxRuntimeWeights {
 public:
  /// Checks every external initializer of `model` against the plan's tensors. Throws PLAN_CORRUPT with the
  /// names of both.
  OnnxRuntimeWeights(const OnnxRuntimeLibrary& library, const plan::Plan& plan, const std::string& graph,
                     std::span<const std::byte> model, device::Budget& budget);

  /// All that are in the plan, and what a session on the CPU takes beside the plan's memory when it is
  /// opened, at least: weights that it rewrites, and those that it packs for its products.
  struct Needs {
    std::uint64_t weights = 0, cpu = 0;
  };
  /// Throws PLAN_CORRUPT.
  [[nodiscard]] static Needs needs(const plan::Plan& plan, const std::string& graph,
                                   std::span<const std::byte> model);

  /// Hands them to a session that is about to be created; they must outlive it. With `copied` the session
  /// gets copies, to place them on a GPU, instead of the very memory.
  void add_to(OrtSessionOptions* options, bool copied) const;

  /// At most so much of the C heap do weights take that a session rewrites when it is opened. What it packs
  /// for its products is not among it: that comes from the session's allocator.
  [[nodiscard]] std::size_t heap_bytes() const noexcept { return heap_bytes_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  const OnnxRuntimeLibrary& library_;
  std::string graph_;
  std::vector<std::string> names_;
  std::vector<Handle<OrtValue>> values_;
  std::vector<device::Buffer> copies_;
  std::size_t bytes_ = 0;
  std::size_t heap_bytes_ = 0;
};

}  // namespace talkrt::nn
