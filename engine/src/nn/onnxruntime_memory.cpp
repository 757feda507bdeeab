// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_memory.hpp"

#include <exception>
#include <mutex>
#include <new>
#include <talkrt/error.hpp>
#include <utility>

namespace talkrt::nn {
namespace {

/// Where the memory comes from that this thread asks for inside ONNX Runtime, and why it got none.
struct Source {
  Scratch& scratch;
  std::exception_ptr refusal;
};

// ONNX Runtime does not say for whom it allocates; the run that has called it does.
thread_local Source* current = nullptr;

/// Calls ONNX Runtime with memory from `scratch`. An account's refusal comes back as itself.
/// `doing` is asked for a text when something failed.
template <class Doing, class Call>
void with_memory(const OnnxRuntimeLibrary& library, Scratch& scratch, Doing doing, Call call) {
  Source source{scratch, nullptr};
  Source* const outer = std::exchange(current, &source);
  OrtStatus* status = call();
  current = outer;
  if (status == nullptr) return;
  if (!source.refusal) library.check(status, doing());
  library.api().ReleaseStatus(status);
  std::rethrow_exception(source.refusal);
}

// An allocator is registered with ONNX Runtime's environment, of which a process has one, only while the
// session that is to use it is being created.
std::mutex& registering() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

struct OnnxRuntimeMemory::Allocator : OrtAllocator {
  Scratch& lasting;
  Handle<OrtMemoryInfo> info;

  Allocator(const OnnxRuntimeLibrary& library, Scratch& scratch) : OrtAllocator{}, lasting(scratch) {
    const OrtApi& api = library.api();
    info = library.make<OrtMemoryInfo>(api.ReleaseMemoryInfo, "describing host memory", [&](auto** out) {
      return api.CreateMemoryInfo("Cpu", OrtDeviceAllocator, 0, OrtMemTypeDefault, out);
    });
    version = ORT_API_VERSION;
    Alloc = take;
    Reserve = take;
    Free = [](OrtAllocator*, void* data) { Scratch::give(data); };
    Info = [](const OrtAllocator* self) -> const OrtMemoryInfo* {
      return static_cast<const Allocator*>(self)->info.get();
    };
  }

  // ONNX Runtime's own allocators throw std::bad_alloc here, which it turns into a status; a null pointer it
  // would write to.
  static void* take(OrtAllocator* self, std::size_t bytes) {
    Source* const source = current;  // none on its worker threads
    try {
      return (source != nullptr ? source->scratch : static_cast<Allocator*>(self)->lasting).take(bytes);
    } catch (const Error&) {
      if (source != nullptr) source->refusal = std::current_exception();
      throw std::bad_alloc();
    }
  }
};

struct OnnxRuntimeMemory::DeviceAllocator : OrtAllocator {
  DeviceArena& arena;
  Handle<OrtMemoryInfo> info;

  DeviceAllocator(const OnnxRuntimeLibrary& library, const OnnxRuntimeCuda& cuda, DeviceArena& from)
      : OrtAllocator{}, arena(from), info(cuda.memory(library)) {
    version = ORT_API_VERSION;
    Alloc = take;
    Reserve = take;
    Free = [](OrtAllocator* self, void* data) {
      if (data != nullptr) static_cast<DeviceAllocator*>(self)->arena.give(data);
    };
    Info = [](const OrtAllocator* self) -> const OrtMemoryInfo* {
      return static_cast<const DeviceAllocator*>(self)->info.get();
    };
  }

  static void* take(OrtAllocator* self, std::size_t bytes) {
    try {
      return static_cast<DeviceAllocator*>(self)->arena.take(bytes);
    } catch (const Error&) {
      if (current != nullptr) current->refusal = std::current_exception();
      throw std::bad_alloc();
    }
  }
};

OnnxRuntimeMemory::OnnxRuntimeMemory(std::shared_ptr<const OnnxRuntimeLibrary> library,
                                     device::Budget& budget, const OnnxRuntimeCuda& cuda,
                                     device::Charge& allowance)
    : OnnxRuntimeMemory(std::move(library), budget) {
  arena_.emplace(cuda.gpu(), budget, allowance);
  device_allocator_ = std::make_unique<DeviceAllocator>(*library_, cuda, *arena_);
}

OnnxRuntimeMemory::OnnxRuntimeMemory(std::shared_ptr<const OnnxRuntimeLibrary> library,
                                     device::Budget& budget)
    : library_(std::move(library)),
      lasting_(budget, "packed weights"),
      allocator_(std::make_unique<Allocator>(*library_, lasting_)) {}

OnnxRuntimeMemory::~OnnxRuntimeMemory() = default;

Handle<OrtSession> OnnxRuntimeMemory::open(std::span<const std::byte> model, OrtSessionOptions* options,
                                           const std::string& doing) {
  const OnnxRuntimeLibrary& library = *library_;
  const OrtApi& api = library.api();
  library.check(api.AddSessionConfigEntry(options, "session.use_env_allocators", "1"), doing);
  Handle<OrtSession> session{nullptr, {api.ReleaseSession}};
  const std::lock_guard lock(registering());
  library.check(api.RegisterAllocator(&library.env(), allocator_.get()), doing);
  const auto unregister = [&](const OrtMemoryInfo* info) {
    if (OrtStatus* status = api.UnregisterAllocator(&library.env(), info)) api.ReleaseStatus(status);
  };
  const std::unique_ptr<const OrtMemoryInfo, decltype(unregister)> registered(allocator_->info.get(),
                                                                              unregister);
  std::unique_ptr<const OrtMemoryInfo, decltype(unregister)> on_gpu(nullptr, unregister);
  if (device_allocator_) {
    if (OrtStatus* refused = api.RegisterAllocator(&library.env(), device_allocator_.get())) {
      api.ReleaseStatus(refused);  // then the provider's own arena
    } else {
      on_gpu.reset(device_allocator_->info.get());
    }
  }
  with_memory(
      library, lasting_, [&] { return doing; },
      [&] {
        OrtSession* made = nullptr;
        OrtStatus* status =
            api.CreateSessionFromArray(&library.env(), model.data(), model.size(), options, &made);
        session.reset(made);
        return status;
      });
  return session;
}

void OnnxRuntimeMemory::run(const OnnxRuntimeLibrary& library, OrtSession* session,
                            const OrtRunOptions* options, const OrtIoBinding* binding, Scratch& scratch,
                            const std::string& graph) {
  with_memory(
      library, scratch, [&] { return "running graph " + graph; },
      [&] { return library.api().RunWithBinding(session, options, binding); });
}

}  // namespace talkrt::nn
