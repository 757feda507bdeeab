// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/engine.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/src/device/cuda_module.hpp"
#include "engine/src/nn/choose_backend.hpp"

namespace talkrt::session {
namespace {

constexpr const char* kAccount = "engine";

}  // namespace

Engine::Engine(EngineConfig config)
    : config_(std::move(config)),
      budget_(kAccount, config_.host_budget),
      pool_(config_.threads > 0 ? config_.threads : device::usable_cores()) {
  if (config_.device != TALKRT_DEVICE_CPU) open_gpu();
}

/// Says where sessions will draw, and why.
void Engine::open_gpu() {
  const std::string name = "GPU " + std::to_string(config_.device_index);
  try {
    const device::CudaModule module = device::open_cuda_module(config_.device_index);
    if (!module.device) throw Error(TALKRT_ERROR_BACKEND_MISSING, module.missing);
    device_.emplace(module, config_.device_index);
    batch_.emplace(*device_, budget_);
    gpu_.emplace(render::Gpu{*device_, *batch_});
    config_.log(TALKRT_LOG_INFO, "device: " + name + ", " + device_->info().name);
  } catch (const Error& error) {
    batch_.reset();
    device_.reset();
    if (config_.device == TALKRT_DEVICE_CUDA) {
      throw Error(error.code(), "engine config: device is TALKRT_DEVICE_CUDA, and " + name +
                                    " cannot be used: " + error.what());
    }
    config_.log(TALKRT_LOG_INFO, "device: the CPU, for " + name + " cannot be used: " + error.what());
  }
}

nn::Backend& Engine::backend() {
  const std::lock_guard lock(backend_mutex_);
  if (backend_error_) throw *backend_error_;
  if (!backend_) {
    try {
      nn::BackendOptions options;
      options.onnxruntime = config_.onnxruntime;
      if (device_) options.gpu = device_->index();
      options.log = [this](const std::string& line) { config_.log(TALKRT_LOG_INFO, line); };
      backend_ = nn::choose_backend(std::move(options));
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
        path, identity, budget_, [this]() -> nn::Backend& { return backend(); }, pool_.workers(), gpu());
  };
  auto model = evicting(open);
  models_.push_back(model);
  config_.log(TALKRT_LOG_INFO, path + ": loaded in " + std::to_string(model->load_ms()) + " ms, " +
                                   std::to_string(model->host_bytes()) + " bytes");
  if (gpu_ && !model->avatar().on_gpu()) {
    const std::string why = model->manifest().avatar ? "a graph moves its Gaussians, and not a kernel"
                                                     : "a plan of model \"" + model->manifest().model +
                                                           "\" has no kernels on the GPU";
    config_.log(TALKRT_LOG_WARNING, path + ": sessions draw on the CPU, for " + why);
  }
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
