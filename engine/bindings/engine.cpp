// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <optional>
#include <string>

#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

void forward_log(void* user_data, talkrt_log_level level, const char* message) {
  const nb::gil_scoped_acquire gil;
  if (static_cast<Engine*>(user_data)->log.is_none()) return;  // the collector was here
  try {
    static_cast<Engine*>(user_data)->log(static_cast<int>(level), text(message, std::strlen(message)));
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("talkrt log callback");  // nothing may cross the C ABI
  }
}

nb::str describe_json(const Engine& engine) {
  char* json = nullptr;
  call([&] { return talkrt_engine_describe_json(engine.handle.get(), &json); });
  nb::str copy = text(json, std::strlen(json));
  talkrt_string_free(json);
  return copy;
}

/// An exception in it counts as no.
std::int32_t ask_to_evict(void* user_data, const char* path) {
  const nb::gil_scoped_acquire gil;
  try {
    const nb::bytes file(path, std::strlen(path));
    return nb::cast<bool>(nb::bool_(static_cast<Engine*>(user_data)->may_evict(file))) ? 1 : 0;
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("talkrt may_evict callback");  // nothing may cross the C ABI
    return 0;
  }
}

std::shared_ptr<Model> load(const std::shared_ptr<Engine>& engine, const nb::bytes& path,
                            std::uint64_t host_budget_bytes, std::uint64_t device_budget_bytes) {
  talkrt_model_config config;
  talkrt_model_config_init(&config);
  config.host_budget_bytes = host_budget_bytes;
  config.device_budget_bytes = device_budget_bytes;
  const std::string file(path.c_str(), path.size());  // names of files are bytes
  talkrt_model* handle = nullptr;
  call([&] { return talkrt_model_load_with(engine->handle.get(), file.c_str(), &config, &handle); });
  auto model = std::make_shared<Model>();
  model->engine = engine;
  model->handle.reset(handle);
  return model;
}

// A callback may refer to whatever owns the engine, which only the garbage collector can then let go.
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!nb::inst_ready(self)) return 0;
  const Engine& engine = *nb::inst_ptr<Engine>(self);
  Py_VISIT(engine.log.ptr());
  Py_VISIT(engine.may_evict.ptr());
  return 0;
}

int clear(PyObject* self) {
  Engine& engine = *nb::inst_ptr<Engine>(self);
  engine.log = nb::none();
  engine.may_evict = nb::none();
  return 0;
}

const PyType_Slot kCollected[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                  {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                  {0, nullptr}};

}  // namespace

Engine::Engine(int threads, std::uint64_t host_budget_bytes,
               const std::optional<std::string>& onnxruntime_path, nb::object log_callback, int log_level,
               int device, int device_index, std::uint64_t device_budget_bytes, nb::object may_evict_callback)
    : log(std::move(log_callback)), may_evict(std::move(may_evict_callback)) {
  talkrt_engine_config config;
  talkrt_engine_config_init(&config);
  config.threads = threads;
  config.host_budget_bytes = host_budget_bytes;
  config.device_budget_bytes = device_budget_bytes;
  config.device = device;
  config.device_index = device_index;
  config.onnxruntime_path = onnxruntime_path ? onnxruntime_path->c_str() : nullptr;
  if (!log.is_none()) {
    config.log = forward_log;
    config.log_user_data = this;  // Python objects do not move
    config.log_level = static_cast<talkrt_log_level>(log_level);
  }
  if (!may_evict.is_none()) {
    config.may_evict = ask_to_evict;
    config.may_evict_user_data = this;
  }
  talkrt_engine* created = nullptr;
  call([&] { return talkrt_engine_create(&config, &created); });
  handle.reset(created);
}

void bind_engine(nb::module_& module) {
  nb::class_<Engine>(module, "Engine", nb::type_slots(kCollected),
                     "What the machine offers, and the cache of loaded models.")
      .def(
          nb::init<int, std::uint64_t, const std::optional<std::string>&, nb::object, int, int, int,
                   std::uint64_t, nb::object>(),
          "threads"_a = 0, "host_budget_bytes"_a = 0, "onnxruntime_path"_a = nb::none(),
          "log"_a.none() = nb::none(), "log_level"_a = 2, "device"_a = static_cast<int>(TALKRT_DEVICE_AUTO),
          "device_index"_a = 0, "device_budget_bytes"_a = 0, "may_evict"_a.none() = nb::none(),
          nb::sig("def __init__(self, threads: int = 0, host_budget_bytes: int = 0, "
                  "onnxruntime_path: str | None = None, "
                  "log: collections.abc.Callable[[int, str], None] | None = None, "
                  "log_level: int = 2, device: int = 0, device_index: int = 0, device_budget_bytes: int = 0, "
                  "may_evict: collections.abc.Callable[[bytes], object] | None = None) -> None"))
      .def("load", &load, "path"_a, "host_budget_bytes"_a = 0, "device_budget_bytes"_a = 0,
           "Loads a plan, or returns the cached model of an unchanged file.")
      .def("describe_json", &describe_json, "What was found and what will be used, as JSON.");
}

}  // namespace talkrt::python
