// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the Python objects: C ABI handles, and the Python callback that must outlive them.
// Each object keeps its parents alive, so that Python may drop them in any order.
#pragma once

#include <nanobind/nanobind.h>
#include <talkrt/talkrt.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "error.hpp"

namespace talkrt::python {

struct Engine {
  Engine(int threads, std::uint64_t host_budget_bytes, const std::optional<std::string>& onnxruntime_path,
         nanobind::object log_callback, int log_level, int device, int device_index,
         std::uint64_t device_budget_bytes, nanobind::object may_evict_callback);

  nanobind::object log;        // callable(level, message) or None; declared first, so it dies last
  nanobind::object may_evict;  // callable(path) or None
  std::unique_ptr<talkrt_engine, Releaser<talkrt_engine_release>> handle;
};

struct Model {
  std::shared_ptr<Engine> engine;
  std::unique_ptr<talkrt_model, Releaser<talkrt_model_release>> handle;
};

struct Session {
  std::shared_ptr<Model> model;
  std::unique_ptr<talkrt_session, Releaser<talkrt_session_release>> handle;
  std::atomic<bool> ended = false;  // the last pull found the end of the stream
};

struct Frame {
  std::shared_ptr<Session> session;
  talkrt_frame info{};
  std::unique_ptr<talkrt_frame_slot, Releaser<talkrt_frame_release>> slot;
  nanobind::object image;  // the caller's array, after pull_into
};

/// Pictures in memory of its own, which arrays refer to: [height, width] pixels, top row first.
struct View {
  talkrt_view info{};
  int width = 0, height = 0;
  std::unique_ptr<std::uint8_t[]> rgba8;
  std::unique_ptr<float[]> rgba, depth;
};

void bind_engine(nanobind::module_& module);
void bind_model(nanobind::module_& module);
void bind_session(nanobind::module_& module);
void bind_frame(nanobind::module_& module);
void bind_rasterizer(nanobind::module_& module);
void bind_view(nanobind::module_& module);
void bind_kernel_bench(nanobind::module_& module);

}  // namespace talkrt::python
