// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

#include "engine/src/api/guard.hpp"
#include "engine/src/api/handles.hpp"
#include "engine/src/api/sized_struct.hpp"
#include "engine/src/api/strings.hpp"

using namespace talkrt;
using namespace talkrt::api;

namespace {

constexpr int kMaxThreads = 256, kMaxDevices = 1024;

talkrt_engine_config default_config() {
  talkrt_engine_config config{};
  config.struct_size = sizeof config;
  config.log_level = TALKRT_LOG_INFO;
  config.device = TALKRT_DEVICE_AUTO;
  return config;
}

session::EngineConfig checked(const talkrt_engine_config& config) {
  if (config.threads < 0 || config.threads > kMaxThreads) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "engine config: threads is " + std::to_string(config.threads) +
                                                   ", expected 0 to " + std::to_string(kMaxThreads));
  }
  const int level = static_cast<int>(config.log_level);
  if (level < TALKRT_LOG_DEBUG || level > TALKRT_LOG_ERROR) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "engine config: log_level is " + std::to_string(level) + ", expected a talkrt_log_level");
  }
  if (config.device < TALKRT_DEVICE_AUTO || config.device > TALKRT_DEVICE_CUDA) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "engine config: device is " + std::to_string(config.device) + ", expected a talkrt_device");
  }
  if (config.device_index < 0 || config.device_index >= kMaxDevices) {
    throw Error(
        TALKRT_ERROR_INVALID_ARGUMENT,
        "engine config: device_index is " + std::to_string(config.device_index) + ", expected 0 or more");
  }
  session::EngineConfig out;
  out.threads = config.threads;
  out.host_budget = config.host_budget_bytes;
  out.device_budget = config.device_budget_bytes;
  out.may_evict = {config.may_evict, config.may_evict_user_data};
  if (config.onnxruntime_path != nullptr) out.onnxruntime = config.onnxruntime_path;
  out.log = {config.log, config.log_user_data, config.log_level};
  out.device = static_cast<talkrt_device>(config.device);
  out.device_index = config.device_index;
  return out;
}

/// What a caller's struct without the fields means: it was written before there were GPUs.
talkrt_engine_config config_before_devices() {
  talkrt_engine_config config = default_config();
  config.device = TALKRT_DEVICE_CPU;
  return config;
}

/// An engine and what the host wants to hear of its end, which nobody hears of an engine that was not made.
struct Hosted {
  struct End {
    void (*free)(void* user_data) = nullptr;
    void* user_data = nullptr;
    ~End() {
      if (free != nullptr) free(user_data);
    }
  };

  explicit Hosted(session::EngineConfig config) : engine(std::move(config)) {}

  End end;  // first: after the engine is gone
  session::Engine engine;
};

}  // namespace

void talkrt_engine_config_init_sized(talkrt_engine_config* config, size_t size) {
  init_struct(config, default_config(), size);
}

// The name without the macro: what programs of the first header call, whose struct is shorter.
void(talkrt_engine_config_init)(talkrt_engine_config* config) {
  talkrt_engine_config_init_sized(config, offsetof(talkrt_engine_config, device));
}

talkrt_status talkrt_engine_create(const talkrt_engine_config* config, talkrt_engine** out) {
  return guarded([&] {
    require(out, "out");
    const auto full =
        config == nullptr ? default_config() : read_struct(config, config_before_devices(), "config");
    auto handle = std::make_unique<talkrt_engine>();
    const auto hosted = std::make_shared<Hosted>(checked(full));
    hosted->end.free = full.may_evict_free;
    hosted->end.user_data = full.may_evict_user_data;
    handle->engine = std::shared_ptr<session::Engine>(hosted, &hosted->engine);
    *out = handle.release();
  });
}

void talkrt_engine_retain(talkrt_engine* engine) { retain(engine); }
void talkrt_engine_release(talkrt_engine* engine) { release(engine); }

talkrt_status talkrt_engine_describe_json(talkrt_engine* engine, char** out) {
  return guarded([&] {
    require(engine, "engine");
    require(out, "out");
    *out = copied_string(engine->engine->describe_json());
  });
}

void talkrt_string_free(char* string) { std::free(string); }
