// SPDX-License-Identifier: Apache-2.0
//
// What one process shares: threads, back ends, memory account, loaded models. Header-only, over talkrt.h;
// its rules on threads and ownership hold.
#pragma once

#include <talkrt/talkrt.h>

#include <memory>
#include <string>
#include <talkrt/error.hpp>
#include <talkrt/handle.hpp>

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
  /// Throws Error: INVALID_ARGUMENT, OUT_OF_MEMORY.
  explicit Engine(const EngineConfig& config = {}) {
    talkrt_engine* engine = nullptr;
    check(talkrt_engine_create(&config, &engine));
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
