// SPDX-License-Identifier: Apache-2.0
//
// The table. Exceptions end here.
#include "engine/tensorrt/module.hpp"

#include <cstdio>
#include <new>

#include "engine/tensorrt/engine.hpp"
#include "engine/tensorrt/library.hpp"

namespace talkrt::tensorrt {
namespace {

template <class F>
int guarded(Why* why, F&& call) {
  try {
    call();
    return 0;
  } catch (const std::bad_alloc&) {
    std::snprintf(why->text, sizeof why->text, "the host has no memory left");
  } catch (const std::exception& error) {
    std::snprintf(why->text, sizeof why->text, "%s", error.what());
  } catch (...) {
    std::snprintf(why->text, sizeof why->text, "an unknown failure in the TensorRT module");
  }
  return 1;
}

int open_library(const char* path, const char* lean, Library** out, LibraryInfo* info, Why* why) {
  return guarded(why, [&] {
    *out = new Library(path, lean);
    *info = (*out)->info();
  });
}

int open_engine(Library* library, const Allocator* allocator, const void* data, std::uint64_t bytes,
                Engine** out, Why* why) {
  return guarded(why, [&] { *out = new Engine(*library, *allocator, data, bytes); });
}

int create_context(Engine* engine, void* memory, std::uint64_t bytes, Context** out, Why* why) {
  return guarded(why, [&] { *out = new Context(*engine, memory, bytes); });
}

constexpr Module kModule{
    .abi = kModuleAbi,
    .bytes = sizeof(Module),
    .headers = {NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR, NV_TENSORRT_PATCH, NV_TENSORRT_BUILD},
    .open_library = open_library,
    .close_library = [](Library* library) { delete library; },
    .open_engine = open_engine,
    .refit = [](Engine* engine, const Weight* weights, int count,
                Why* why) { return guarded(why, [&] { engine->refit(weights, count); }); },
    .port_count = [](const Engine* engine) { return engine->port_count(); },
    .port = [](const Engine* engine, int index, Port* out) { *out = engine->port(index); },
    .context_bytes = [](const Engine* engine) { return engine->context_bytes(); },
    .close_engine = [](Engine* engine) { delete engine; },
    .create_context = create_context,
    .bind = [](Context* context, const char* name, void* memory,
               Why* why) { return guarded(why, [&] { context->bind(name, memory); }); },
    .enqueue =
        [](Context* context, void* stream, Why* why) {
          return guarded(why, [&] { context->enqueue(static_cast<cudaStream_t>(stream)); });
        },
    .destroy_context = [](Context* context) { delete context; },
};

}  // namespace
}  // namespace talkrt::tensorrt

/// Null for another version of the table.
extern "C" __attribute__((visibility("default"))) const talkrt::tensorrt::Module* talkrt_tensorrt_module(
    std::uint32_t abi) {
  return abi == talkrt::tensorrt::kModuleAbi ? &talkrt::tensorrt::kModule : nullptr;
}
