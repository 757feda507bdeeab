// SPDX-License-Identifier: Apache-2.0
//
// Memory that ONNX Runtime computes in. By itself it keeps an arena for each graph, which doubles when it is
// full and which nobody counts. Here every tensor comes from a Scratch: of the session whose run it is, or of
// the graph for what lasts, packed weights. Each is on an account, and charged before it is taken.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/scratch.hpp"

namespace talkrt::nn {

/// One graph's allocator. Must outlive what it opens.
class OnnxRuntimeMemory {
 public:
  /// What lasts as long as the graph goes to `budget`, which must outlive this.
  OnnxRuntimeMemory(std::shared_ptr<const OnnxRuntimeLibrary> library, device::Budget& budget);
  ~OnnxRuntimeMemory();

  /// Throws OUT_OF_BUDGET, OUT_OF_MEMORY, and BACKEND_FAILED with `doing`.
  [[nodiscard]] Handle<OrtSession> open(std::span<const std::byte> model, OrtSessionOptions* options,
                                        const std::string& doing);

  /// Runs a session that was opened here, with memory from `scratch`. Throws the same.
  static void run(const OnnxRuntimeLibrary& library, OrtSession* session, const OrtRunOptions* options,
                  const OrtIoBinding* binding, Scratch& scratch, const std::string& graph);

  [[nodiscard]] std::size_t bytes() const { return lasting_.bytes(); }

 private:
  struct Allocator;

  std::shared_ptr<const OnnxRuntimeLibrary> library_;
  Scratch lasting_;
  std::unique_ptr<Allocator> allocator_;
};

}  // namespace talkrt::nn
