// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "engine/src/api/guard.hpp"
#include "engine/src/api/handles.hpp"
#include "engine/src/api/sized_struct.hpp"
#include "engine/src/api/strings.hpp"
#include "engine/src/render/camera.hpp"
#include "engine/src/session/view_request.hpp"

using namespace talkrt;
using namespace talkrt::api;

void talkrt_model_config_init_sized(talkrt_model_config* config, size_t size) {
  init_struct(config, talkrt_model_config{}, size);
}

talkrt_status talkrt_model_load(talkrt_engine* engine, const char* path, talkrt_model** out) {
  return talkrt_model_load_with(engine, path, nullptr, out);
}

talkrt_status talkrt_model_load_with(talkrt_engine* engine, const char* path,
                                     const talkrt_model_config* config, talkrt_model** out) {
  return guarded([&] {
    require(engine, "engine");
    require(path, "path");
    require(out, "out");
    const auto wishes =
        config == nullptr ? talkrt_model_config{} : read_struct(config, talkrt_model_config{}, "config");
    auto handle = std::make_unique<talkrt_model>();
    handle->engine = engine->engine;
    handle->model = engine->engine->load(path, {wishes.host_budget_bytes, wishes.device_budget_bytes});
    *out = handle.release();
  });
}

void talkrt_model_retain(talkrt_model* model) { retain(model); }
void talkrt_model_release(talkrt_model* model) { release(model); }

void talkrt_model_info_init_sized(talkrt_model_info* info, size_t size) {
  init_struct(info, talkrt_model_info{}, size);
}

void(talkrt_model_info_init)(talkrt_model_info* info) {
  talkrt_model_info_init_sized(info, offsetof(talkrt_model_info, pinned_bytes));
}

talkrt_status talkrt_model_get_info(const talkrt_model* model, talkrt_model_info* info) {
  return guarded([&] {
    require(model, "model");
    const session::Model& loaded = *model->model;
    const plan::Manifest& manifest = loaded.manifest();
    talkrt_model_info out{};
    out.kind = manifest.model.c_str();
    out.name = manifest.name.c_str();
    out.sample_rate = manifest.sample_rate;
    out.width = manifest.width;
    out.height = manifest.height;
    out.fps_num = manifest.fps_num;
    out.fps_den = manifest.fps_den;
    out.look_ahead = loaded.avatar().look_ahead();
    out.host_bytes = loaded.host_bytes();
    out.pinned_bytes = loaded.pinned_bytes();
    out.device_bytes = loaded.device_bytes();
    const device::Limits limits = loaded.budget().limits();
    out.host_budget_bytes = limits.host;
    out.device_budget_bytes = limits.device;
    out.load_ms = loaded.load_ms();
    if (manifest.gaussian) {
      std::copy_n(manifest.gaussian->view.target.begin(), 3, out.target);
      std::copy_n(manifest.gaussian->view.up.begin(), 3, out.up);
    }
    write_struct(out, info, "info");
  });
}

talkrt_status talkrt_model_get_camera(const talkrt_model* model, int32_t width, int32_t height,
                                      talkrt_camera* camera) {
  return guarded([&] {
    require(model, "model");
    const plan::Manifest& manifest = model->model->manifest();
    if (!manifest.gaussian) {
      throw Error(TALKRT_ERROR_UNSUPPORTED,
                  model->model->path() + ": a plan of model \"" + manifest.model + "\" has no camera");
    }
    const gaussian::Camera scaled =
        render::scaled_camera(manifest, session::side_of("width", width, manifest.width),
                              session::side_of("height", height, manifest.height));
    talkrt_camera out{};
    out.width = scaled.width;
    out.height = scaled.height;
    std::copy_n(scaled.viewmat, 16, out.viewmat);
    std::copy_n(scaled.K, 9, out.K);
    write_struct(out, camera, "camera");
  });
}

talkrt_status talkrt_model_describe_json(const talkrt_model* model, char** out) {
  return guarded([&] {
    require(model, "model");
    require(out, "out");
    *out = copied_string(model->model->describe_json());
  });
}

const char* talkrt_model_emotion_name(const talkrt_model* model, int32_t index) {
  if (model == nullptr || index < 0) return nullptr;
  const auto emotions = model->model->avatar().emotions();
  const auto at = static_cast<std::size_t>(index);
  return at < emotions.size() ? emotions[at].c_str() : nullptr;
}
