// SPDX-License-Identifier: Apache-2.0
//
// Memory that ONNX Runtime computes in. By itself it keeps an arena for each graph, which doubles when it is
// full and which nobody counts. Here every tensor comes from a Scratch: of the session whose run it is, or of
// the graph for what lasts, packed weights. Each is on an account, and charged before it is taken. On a GPU
// its memory there comes from a DeviceArena of the graph's, where ONNX Runtime takes allocators of the host's
// for a GPU: 1.31 does, old ones refuse and keep their own arena, within the limit that its provider was
// given.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/src/nn/device_arena.hpp"
#include "engine/src/nn/onnxruntime_cuda.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"
#include "engine/src/nn/scratch.hpp"

namespace talkrt::nn {

/// One graph's allocator. Must outlive what it opens.
class OnnxRuntimeMemory {
 public:
  /// What lasts as long as the graph goes to `budget`, which must outlive this.
  OnnxRuntimeMemory(std::shared_ptr<const OnnxRuntimeLibrary> library, device::Budget& budget);
  /// On a GPU: its memory goes to `budget`, too, beyond what `allowance` has charged beforehand.
  OnnxRuntimeMemory(std::shared_ptr<const OnnxRuntimeLibrary> library, device::Budget& budget,
                    const OnnxRuntimeCuda& cuda, device::Charge& allowance);
  ~OnnxRuntimeMemory();

  /// Throws OUT_OF_BUDGET, OUT_OF_MEMORY, and BACKEND_FAILED with `doing`.
  [[nodiscard]] Handle<OrtSession> open(std::span<const std::byte> model, OrtSessionOptions* options,
                                        const std::string& doing);

  /// Runs a session that was opened here, with memory from `scratch`. Throws the same.
  static void run(const OnnxRuntimeLibrary& library, OrtSession* session, const OrtRunOptions* options,
                  const OrtIoBinding* binding, Scratch& scratch, const std::string& graph);

  [[nodiscard]] std::size_t bytes() const { return lasting_.bytes(); }
  /// That came from the graph's arena so far; 0 where ONNX Runtime uses its own.
  [[nodiscard]] std::size_t arena_bytes() const { return arena_ ? arena_->bytes() : 0; }

 private:
  struct Allocator;
  struct DeviceAllocator;

  std::shared_ptr<const OnnxRuntimeLibrary> library_;
  Scratch lasting_;
  std::optional<DeviceArena> arena_;
  std::unique_ptr<Allocator> allocator_;
  std::unique_ptr<DeviceAllocator> device_allocator_;
};

}  // namespace talkrt::nn
