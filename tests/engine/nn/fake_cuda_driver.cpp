// SPDX-License-Identifier: Apache-2.0
//
// A libcuda whose GPU is the host: its memory is the heap, what a stream is given is done at once, and what
// is captured is kept and done when the graph is launched. Tests ask it what it did, and make it fail.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Work = std::vector<std::function<void()>>;

struct Stream {
  bool capturing = false;
  Work captured;
};

struct State {
  std::mutex mutex;
  std::map<std::string, int> failures;
  std::map<void*, std::size_t> held;
  int launches = 0, contexts = 0;
};

State& state() {
  static State one;
  return one;
}

int status_of(const char* function) {
  const std::lock_guard lock(state().mutex);
  const auto found = state().failures.find(function);
  if (found == state().failures.end()) return 0;
  const int status = found->second;
  state().failures.erase(found);
  return status;
}

int run(void* stream, std::function<void()> work) {
  auto* const to = static_cast<Stream*>(stream);
  if (to->capturing) {
    to->captured.push_back(std::move(work));
  } else {
    work();
  }
  return 0;
}

int copied(const char* function, void* stream, void* to, const void* from, std::size_t bytes) {
  if (const int status = status_of(function)) return status;
  return run(stream, [=] { std::memcpy(to, from, bytes); });
}

int take(const char* function, void** out, std::size_t bytes) {
  if (const int status = status_of(function)) return status;
  *out = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(*out, 0xa5, bytes);
  const std::lock_guard lock(state().mutex);
  state().held[*out] = bytes;
  return 0;
}

int give(void* memory) {
  {
    const std::lock_guard lock(state().mutex);
    if (state().held.erase(memory) == 0) return 1;
  }
  std::free(memory);
  return 0;
}

void* pointer(std::uint64_t address) { return std::bit_cast<void*>(address); }

}  // namespace

// What tests ask.
extern "C" __attribute__((visibility("default"))) void fake_fail_next(const char* function, int status) {
  const std::lock_guard lock(state().mutex);
  state().failures[function] = status;
}
extern "C" __attribute__((visibility("default"))) std::size_t fake_bytes() {
  const std::lock_guard lock(state().mutex);
  std::size_t sum = 0;
  for (const auto& [memory, bytes] : state().held) sum += bytes;
  return sum;
}
extern "C" __attribute__((visibility("default"))) int fake_launches() { return state().launches; }
extern "C" __attribute__((visibility("default"))) int fake_contexts() { return state().contexts; }

extern "C" __attribute__((visibility("default"))) int cuInit(unsigned) { return status_of("cuInit"); }
extern "C" __attribute__((visibility("default"))) int cuDeviceGetCount(int* count) { return *count = 1, 0; }
extern "C" __attribute__((visibility("default"))) int cuDeviceGet(int* device, int ordinal) {
  return *device = ordinal, 0;
}
extern "C" __attribute__((visibility("default"))) int cuDeviceGetName(char* name, int, int) {
  return std::strcpy(name, "Made Up"), 0;
}
extern "C" __attribute__((visibility("default"))) int cuDeviceGetAttribute(int* value, int attribute, int) {
  return *value = attribute == 75 ? 9 : 0, 0;
}
extern "C" __attribute__((visibility("default"))) int cuDevicePrimaryCtxRetain(void** context, int) {
  return *context = &state(), ++state().contexts, 0;
}
extern "C" __attribute__((visibility("default"))) int cuDevicePrimaryCtxRelease_v2(int) {
  return --state().contexts, 0;
}
extern "C" __attribute__((visibility("default"))) int cuCtxPushCurrent_v2(void*) {
  return status_of("cuCtxPushCurrent_v2");
}
extern "C" __attribute__((visibility("default"))) int cuCtxPopCurrent_v2(void**) { return 0; }
extern "C" __attribute__((visibility("default"))) int cuGetErrorString(int, const char** text) {
  return *text = "made up", 0;
}

extern "C" __attribute__((visibility("default"))) int cuMemAlloc_v2(std::uint64_t* out, std::size_t bytes) {
  void* memory = nullptr;
  const int status = take("cuMemAlloc_v2", &memory, bytes);
  *out = reinterpret_cast<std::uint64_t>(memory);
  return status;
}
extern "C" __attribute__((visibility("default"))) int cuMemFree_v2(std::uint64_t memory) {
  return give(pointer(memory));
}
extern "C" __attribute__((visibility("default"))) int cuMemHostAlloc(void** out, std::size_t bytes,
                                                                     unsigned) {
  return take("cuMemHostAlloc", out, bytes);
}
extern "C" __attribute__((visibility("default"))) int cuMemFreeHost(void* memory) { return give(memory); }
extern "C" __attribute__((visibility("default"))) int cuMemsetD8_v2(std::uint64_t memory, unsigned char value,
                                                                    std::size_t bytes) {
  if (const int status = status_of("cuMemsetD8_v2")) return status;
  return std::memset(pointer(memory), value, bytes), 0;
}

extern "C" __attribute__((visibility("default"))) int cuStreamCreate(void** out, unsigned) {
  return *out = new Stream, 0;
}
extern "C" __attribute__((visibility("default"))) int cuStreamDestroy_v2(void* stream) {
  return delete static_cast<Stream*>(stream), 0;
}
extern "C" __attribute__((visibility("default"))) int cuStreamSynchronize(void*) {
  return status_of("cuStreamSynchronize");
}
extern "C" __attribute__((visibility("default"))) int cuMemcpyHtoDAsync_v2(std::uint64_t to, const void* from,
                                                                           std::size_t bytes, void* stream) {
  return copied("cuMemcpyHtoDAsync_v2", stream, pointer(to), from, bytes);
}
extern "C" __attribute__((visibility("default"))) int cuMemcpyDtoHAsync_v2(void* to, std::uint64_t from,
                                                                           std::size_t bytes, void* stream) {
  return copied("cuMemcpyDtoHAsync_v2", stream, to, pointer(from), bytes);
}
extern "C" __attribute__((visibility("default"))) int cuMemcpyDtoDAsync_v2(std::uint64_t to,
                                                                           std::uint64_t from,
                                                                           std::size_t bytes, void* stream) {
  return copied("cuMemcpyDtoDAsync_v2", stream, pointer(to), pointer(from), bytes);
}
extern "C" __attribute__((visibility("default"))) int cuLaunchHostFunc(void* stream, void (*function)(void*),
                                                                       void* data) {
  return run(stream, [=] { function(data); });
}

extern "C" __attribute__((visibility("default"))) int cuStreamBeginCapture_v2(void* stream, int) {
  if (const int status = status_of("cuStreamBeginCapture_v2")) return status;
  return static_cast<Stream*>(stream)->capturing = true, 0;
}
extern "C" __attribute__((visibility("default"))) int cuStreamEndCapture(void* stream, void** graph) {
  auto* const from = static_cast<Stream*>(stream);
  *graph = new Work(std::move(from->captured));
  from->captured.clear();
  return from->capturing = false, 0;
}
extern "C" __attribute__((visibility("default"))) int cuGraphInstantiateWithFlags(void** out, void* graph,
                                                                                  unsigned long long) {
  return *out = new Work(*static_cast<Work*>(graph)), 0;
}
extern "C" __attribute__((visibility("default"))) int cuGraphLaunch(void* executable, void*) {
  for (const auto& work : *static_cast<Work*>(executable)) work();
  return ++state().launches, 0;
}
extern "C" __attribute__((visibility("default"))) int cuGraphDestroy(void* graph) {
  return delete static_cast<Work*>(graph), 0;
}
extern "C" __attribute__((visibility("default"))) int cuGraphExecDestroy(void* executable) {
  return delete static_cast<Work*>(executable), 0;
}
