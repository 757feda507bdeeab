// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/engine.hpp"

#include <utility>

#include "engine/src/device/cuda_module.hpp"
#include "engine/src/device/resident.hpp"
#include "engine/src/nn/choose_backend.hpp"

namespace talkrt::session {
Engine::Engine(EngineConfig config)
    : config_(std::move(config)),
      budget_("engine", device::Limits{config_.host_budget, config_.device_budget}),
      pool_(config_.threads > 0 ? config_.threads : device::usable_cores()),
      models_(budget_, config_.log, config_.may_evict) {
  budget_.set_host_supply(device::available_bytes);
  if (config_.device != TALKRT_DEVICE_CPU) open_gpu();
}

/// Says where sessions will draw, and why.
void Engine::open_gpu() {
  const std::string name = "GPU " + std::to_string(config_.device_index);
  try {
    const device::CudaModule module = device::open_cuda_module(config_.device_index);
    if (!module.device) throw Error(TALKRT_ERROR_BACKEND_MISSING, module.missing);
    device_.emplace(module, config_.device_index);
    budget_.set_device_supply([this] { return device_->free_bytes(); });
    batch_.emplace(*device_, budget_);
    gpu_.emplace(render::Gpu{*device_, *batch_});
    config_.log(TALKRT_LOG_INFO, "device: " + name + ", " + device_->info().name);
  } catch (const Error& error) {
    batch_.reset();
    budget_.set_device_supply(nullptr);
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
      if (device_) options.gpu = &*device_;
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

std::shared_ptr<const Model> Engine::load(const std::string& path, const BudgetOverride& budgets) {
  const auto turn = models_.turn();
  const auto identity = FileIdentity::of(path);
  if (const auto cached = models_.find(identity)) {
    cached->budget().set_limits(budgets.over(cached->budget().limits()));
    cached->note_use();
    config_.log(TALKRT_LOG_DEBUG, path + ": already loaded");
    return cached;
  }
  models_.forget(path);  // what the file was before it was replaced
  auto model = models_.with_room([&] {
    return std::make_shared<const Model>(
        path, identity, budgets, budget_, [this]() -> nn::Backend& { return backend(); }, pool_.workers(),
        gpu());
  });
  models_.add(model);
  config_.log(TALKRT_LOG_INFO, path + ": loaded in " + std::to_string(model->load_ms()) + " ms, " +
                                   std::to_string(model->host_bytes()) + " bytes");
  return model;
}

}  // namespace talkrt::session
