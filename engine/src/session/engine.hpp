// SPDX-License-Identifier: Apache-2.0
//
// What one process shares: threads, back end, memory account, loaded models. Everything may be called from
// any thread.
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/device/budget.hpp"
#include "engine/src/device/cuda_device.hpp"
#include "engine/src/device/thread_pool.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/render/gpu.hpp"
#include "engine/src/session/log.hpp"
#include "engine/src/session/model.hpp"
#include "engine/src/session/model_cache.hpp"

namespace talkrt::session {

struct EngineConfig {
  int threads = 0;                  // 0: one per usable core
  std::uint64_t host_budget = 0;    // bytes; 0: no limit
  std::uint64_t device_budget = 0;  // the same, of the GPU
  MayEvict may_evict;
  std::string onnxruntime;  // path; "": found
  Log log;
  talkrt_device device = TALKRT_DEVICE_CPU;
  int device_index = 0;  // of several GPUs
};

class Engine {
 public:
  /// Throws BACKEND_MISSING when a GPU was asked for and there is none.
  explicit Engine(EngineConfig config);

  /// The model of the file at `path`, from the cache when the file has not changed. `budgets` replace the
  /// plan's own, those of a cached model as well.
  [[nodiscard]] std::shared_ptr<const Model> load(const std::string& path,
                                                  const BudgetOverride& budgets = {});

  /// Returns make(), for which idle models are evicted where this engine's account refuses it.
  template <class F>
  auto with_room(F&& make) -> decltype(make()) {
    const auto turn = models_.turn();
    return models_.with_room(make);
  }

  [[nodiscard]] Executor& executor() noexcept { return pool_; }
  [[nodiscard]] device::Budget& budget() noexcept { return budget_; }
  [[nodiscard]] const Log& log() const noexcept { return config_.log; }
  /// Opened by the first call. Throws BACKEND_MISSING, again and again, with the reasons of the first try.
  [[nodiscard]] nn::Backend& backend();
  /// nullptr: sessions draw on the CPU.
  [[nodiscard]] const render::Gpu* gpu() const noexcept { return gpu_ ? &*gpu_ : nullptr; }
  [[nodiscard]] std::string describe_json();

 private:
  void open_gpu();
  [[nodiscard]] nlohmann::ordered_json describe_memory();

  EngineConfig config_;
  device::Budget budget_;
  device::ThreadPool pool_;

  // Before the models, which use them until they end.
  std::optional<device::CudaDevice> device_;
  std::optional<render::CudaBatch> batch_;
  std::optional<render::Gpu> gpu_;

  std::mutex backend_mutex_;
  std::unique_ptr<nn::Backend> backend_;
  std::optional<Error> backend_error_;

  ModelCache models_;
};

}  // namespace talkrt::session
