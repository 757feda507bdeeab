// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/engine.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/src/device/cuda_module.hpp"

namespace talkrt::session {
namespace {

constexpr const char* kAccount = "engine";

/// Says where sessions will draw, and why. Throws BACKEND_MISSING for a GPU that is not there.
device::CudaModule chosen_gpu(const EngineConfig& config) {
  if (config.device == TALKRT_DEVICE_CPU) return {};
  device::CudaModule module = device::open_cuda_module(config.device_index);
  if (!module.device && config.device == TALKRT_DEVICE_CUDA) {
    throw Error(TALKRT_ERROR_BACKEND_MISSING, "engine config: device is TALKRT_DEVICE_CUDA, and GPU " +
                                                  std::to_string(config.device_index) +
                                                  " cannot be used: " + module.missing);
  }
  config.log(TALKRT_LOG_INFO,
             module.device ? "device: GPU " + std::to_string(config.device_index) + ", " + module.device->name
                           : "device: the CPU, for: " + module.missing);
  return module;
}

}  // namespace

Engine::Engine(EngineConfig config)
    : config_(std::move(config)),
      budget_(kAccount, config_.host_budget),
      pool_(config_.threads > 0 ? config_.threads : device::usable_cores()) {
  (void)chosen_gpu(config_);
}

nn::Backend& Engine::backend() {
  const std::lock_guard lock(backend_mutex_);
  if (backend_error_) throw *backend_error_;
  if (!backend_) {
    try {
      backend_ = nn::open_onnxruntime(config_.onnxruntime);
      config_.log(TALKRT_LOG_INFO, "back end: " + backend_->describe_json());
    } catch (const Error& error) {
      backend_error_ = error;
      throw;
    }
  }
  return *backend_;
}

std::shared_ptr<const Model> Engine::load(const std::string& path) {
  const std::lock_guard lock(models_mutex_);
  const auto identity = FileIdentity::of(path);
  const auto cached = std::find_if(models_.begin(), models_.end(), [&](const auto& model) {
    return identity && model->identity() == identity;
  });
  if (cached != models_.end()) {
    std::rotate(cached, cached + 1, models_.end());
    config_.log(TALKRT_LOG_DEBUG, path + ": already loaded");
    return models_.back();
  }
  // A file that was replaced: its old model is kept by those who use it, and by nobody else.
  std::erase_if(models_, [&](const auto& model) { return model->path() == path; });

  const auto open = [&] {
    return std::make_shared<const Model>(
        path, identity, budget_, [this]() -> nn::Backend& { return backend(); }, pool_.workers());
  };
  auto model = evicting(open);
  models_.push_back(model);
  config_.log(TALKRT_LOG_INFO, path + ": loaded in " + std::to_string(model->load_ms()) + " ms, " +
                                   std::to_string(model->host_bytes()) + " bytes");
  return model;
}

bool Engine::refused_here(const Error& error) {
  // A budget's refusals begin with the name of the account that refused.
  return error.code() == TALKRT_ERROR_OUT_OF_BUDGET &&
         std::string_view(error.what()).starts_with(std::string(kAccount) + ":");
}

bool Engine::evict_one() {
  const auto idle =
      std::find_if(models_.begin(), models_.end(), [](const auto& model) { return model.use_count() == 1; });
  if (idle == models_.end()) return false;
  config_.log(TALKRT_LOG_INFO, (*idle)->path() + ": evicted, to make room");
  models_.erase(idle);
  return true;
}

}  // namespace talkrt::session
