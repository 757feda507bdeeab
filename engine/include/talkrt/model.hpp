// SPDX-License-Identifier: Apache-2.0
//
// A plan file, loaded: immutable, shared by any number of sessions. Keeps its engine alive.
#pragma once

#include <talkrt/talkrt.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <talkrt/engine.hpp>
#include <talkrt/error.hpp>
#include <talkrt/handle.hpp>
#include <talkrt/view.hpp>
#include <vector>

namespace talkrt {

struct ModelInfo : talkrt_model_info {
  ModelInfo() : talkrt_model_info{} { talkrt_model_info_init(this); }
};

/// Budgets of one load; 0: the plan's, TALKRT_NO_BUDGET: none.
struct ModelConfig : talkrt_model_config {
  ModelConfig() : talkrt_model_config{} { talkrt_model_config_init(this); }
};

class Model {
 public:
  /// Throws Error: NOT_FOUND, IO, PLAN_CORRUPT, PLAN_UNSUPPORTED, BACKEND_MISSING, BACKEND_FAILED,
  /// OUT_OF_BUDGET, OUT_OF_MEMORY.
  Model(const Engine& engine, const std::string& path, const ModelConfig& config = {}) {
    talkrt_model* model = nullptr;
    check(talkrt_model_load_with(engine.get(), path.c_str(), &config, &model));
    handle_ = decltype(handle_)(model);
  }

  /// Its strings live as long as the model.
  [[nodiscard]] ModelInfo info() const {
    ModelInfo info;
    check(talkrt_model_get_info(handle_.get(), &info));
    return info;
  }
  [[nodiscard]] std::string describe_json() const {
    char* text = nullptr;
    check(talkrt_model_describe_json(handle_.get(), &text));
    return taken(text);
  }
  [[nodiscard]] std::vector<std::string_view> emotions() const {
    std::vector<std::string_view> names;
    for (std::int32_t i = 0; const char* name = talkrt_model_emotion_name(handle_.get(), i); ++i) {
      names.emplace_back(name);
    }
    return names;
  }
  /// The index that Controls::emotion wants. Throws NOT_FOUND.
  [[nodiscard]] std::int32_t emotion(std::string_view name) const {
    std::string known;
    for (std::int32_t i = 0; const char* candidate = talkrt_model_emotion_name(handle_.get(), i); ++i) {
      if (name == candidate) return i;
      known += std::string(known.empty() ? "" : ", ") + candidate;
    }
    throw Error(TALKRT_ERROR_NOT_FOUND, "no emotion \"" + std::string(name) + "\"; this model has " + known);
  }
  /// The plan's own camera for pictures of this size; 0: the plan's. Throws UNSUPPORTED where it has none.
  [[nodiscard]] Camera camera(int width = 0, int height = 0) const {
    Camera camera;
    check(talkrt_model_get_camera(handle_.get(), width, height, &camera));
    return camera;
  }
  [[nodiscard]] talkrt_model* get() const noexcept { return handle_.get(); }

 private:
  Handle<talkrt_model, talkrt_model_retain, talkrt_model_release> handle_;
};

}  // namespace talkrt
