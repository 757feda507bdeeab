// SPDX-License-Identifier: Apache-2.0
//
// A TensorRT module without TensorRT, on the emulated GPU. Its engines are the 28 bytes that begin one,
// then the four weights of y = x W + s, s_out = y; without weights they want "W" by refit(). $TALKRT_TENSORRT
// chooses what library it pretends to open: "lean", or "none", for which there is none.
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "engine/tensorrt/module.hpp"
#include "tests/emulation/controls.h"

namespace talkrt::tensorrt {

class Library {};

class Engine {
 public:
  Allocator allocator{};
  float* weights = nullptr;  // on the GPU, which is the host
  bool refitted = true;
};

class Context {
 public:
  Engine* engine = nullptr;
  bool memory = false, ran = false;
  std::map<std::string, float*> bound;
};

namespace {

constexpr std::size_t kHead = 28, kWeights = 4 * sizeof(float);
constexpr std::uint64_t kContextBytes = 4096;

int failed(Why* why, const char* text) {
  std::snprintf(why->text, sizeof why->text, "%s", text);
  return 1;
}

int open_library(const char* path, const char*, Library** out, LibraryInfo* info, Why* why) {
  if (std::string(path) == "none") return failed(why, "none:\n  no such library");
  *info = {{11, 4, 0, 106}, std::string(path) == "lean" ? Runtime::lean : Runtime::full, "made up"};
  *out = new Library;
  return 0;
}

int open_engine(Library*, const Allocator* allocator, const void* data, std::uint64_t bytes, Engine** out,
                Why* why) {
  if (bytes != kHead && bytes != kHead + kWeights) return failed(why, "these bytes are no engine of mine");
  void* weights = allocator->take(allocator->user, kWeights);
  if (weights == nullptr) return failed(why, "no memory for weights");
  *out = new Engine{*allocator, static_cast<float*>(weights), bytes != kHead};
  if (bytes != kHead) std::memcpy(weights, static_cast<const char*>(data) + kHead, kWeights);
  return 0;
}

int refit(Engine* engine, const Weight* weights, int count, Why* why) {
  for (int i = 0; i < count; ++i) {
    if (std::string(weights[i].name) != "W" || weights[i].type != WeightType::f32 || weights[i].count != 4) {
      return failed(why, "I know no such weight");
    }
    std::memcpy(engine->weights, weights[i].data, kWeights);
    engine->refitted = true;
  }
  return engine->refitted ? 0 : failed(why, "W is missing");
}

void port(const Engine*, int index, Port* out) {
  constexpr const char* kNames[] = {"x", "s_in", "y", "s_out"};
  *out = {kNames[index], index < 2, true, 2, {1, 2}};
}

int create_context(Engine* engine, void* memory, std::uint64_t bytes, Context** out, Why* why) {
  if (memory == nullptr || bytes < kContextBytes) return failed(why, "a context wants memory");
  *out = new Context{engine, true, false, {}};
  return 0;
}

int bind(Context* context, const char* name, void* memory, Why* why) {
  if (reinterpret_cast<std::uintptr_t>(memory) % 256 != 0) return failed(why, "on no boundary of 256 bytes");
  context->bound[name] = static_cast<float*>(memory);
  return 0;
}

void compute(void* data) {
  auto& c = *static_cast<Context*>(data);
  const float *x = c.bound.at("x"), *s = c.bound.at("s_in"), *w = c.engine->weights;
  for (int i = 0; i < 2; ++i) {
    c.bound.at("y")[i] = c.bound.at("s_out")[i] = x[0] * w[i] + x[1] * w[2 + i] + s[i];
  }
}

int enqueue(Context* context, void* stream, Why* why) {
  return talkrt_emulation_enqueue(stream, compute, context) == 0 ? 0 : failed(why, "CUDA failed");
}

void close_engine(Engine* engine) {
  engine->allocator.give(engine->allocator.user, engine->weights);
  delete engine;
}

constexpr Module kModule{
    kModuleAbi,
    sizeof(Module),
    {11, 1, 0, 0},
    open_library,
    [](Library* library) { delete library; },
    open_engine,
    refit,
    [](const Engine*) { return 4; },
    port,
    [](const Engine*) { return kContextBytes; },
    close_engine,
    create_context,
    bind,
    enqueue,
    [](Context* context) { delete context; },
};

}  // namespace
}  // namespace talkrt::tensorrt

extern "C" __attribute__((visibility("default"))) const talkrt::tensorrt::Module* talkrt_tensorrt_module(
    std::uint32_t abi) {
  return abi == talkrt::tensorrt::kModuleAbi ? &talkrt::tensorrt::kModule : nullptr;
}
