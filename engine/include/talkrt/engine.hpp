// SPDX-License-Identifier: Apache-2.0
//
// What one process shares: threads, back ends, memory account, loaded models. Header-only, over talkrt.h;
// its rules on threads and ownership hold.
#pragma once

#include <talkrt/talkrt.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <talkrt/error.hpp>
#include <talkrt/handle.hpp>
#include <utility>

namespace talkrt {

/// The C struct with its defaults set: change fields, then make an Engine.
struct EngineConfig : talkrt_engine_config {
  EngineConfig() : talkrt_engine_config{} { talkrt_engine_config_init(this); }
};

/// A string that the library allocated, as one of ours.
[[nodiscard]] inline std::string taken(char* string) {
  const std::unique_ptr<char, void (*)(char*)> owner(string, talkrt_string_free);
  return owner.get();
}

class Engine {
 public:
  /// Whether the idle model of the plan at this path may be evicted; see talkrt_may_evict_fn for what it may
  /// do. What it throws counts as no.
  using MayEvict = std::function<bool(std::string_view path)>;

  /// Throws Error: INVALID_ARGUMENT, BACKEND_MISSING, OUT_OF_BUDGET, OUT_OF_MEMORY.
  explicit Engine(EngineConfig config = {}, MayEvict may_evict = {}) {
    std::unique_ptr<MayEvict> asked;
    if (may_evict) {
      asked = std::make_unique<MayEvict>(std::move(may_evict));
      config.may_evict = [](void* user_data, const char* path) -> std::int32_t {
        try {
          return (*static_cast<MayEvict*>(user_data))(path) ? 1 : 0;
        } catch (...) {
          return 0;
        }
      };
      config.may_evict_user_data = asked.get();
      config.may_evict_free = [](void* user_data) { delete static_cast<MayEvict*>(user_data); };
    }
    talkrt_engine* engine = nullptr;
    check(talkrt_engine_create(&config, &engine));
    (void)asked.release();  // lives as long as the engine does
    handle_ = decltype(handle_)(engine);
  }

  /// What was found, what will be used and why, as JSON.
  [[nodiscard]] std::string describe_json() const {
    char* text = nullptr;
    check(talkrt_engine_describe_json(handle_.get(), &text));
    return taken(text);
  }
  [[nodiscard]] talkrt_engine* get() const noexcept { return handle_.get(); }

 private:
  Handle<talkrt_engine, talkrt_engine_retain, talkrt_engine_release> handle_;
};

}  // namespace talkrt
