// SPDX-License-Identifier: Apache-2.0
//
// The loaded models of an engine. They stay when nobody uses them, until their memory is wanted.
#pragma once

#include <talkrt/talkrt.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <talkrt/error.hpp>
#include <thread>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/session/log.hpp"
#include "engine/src/session/model.hpp"

namespace talkrt::session {

/// The host's word on whether an idle model may go.
struct MayEvict {
  talkrt_may_evict_fn function = nullptr;  // null: every one may
  void* user_data = nullptr;
};

class ModelCache {
 public:
  /// `account` is the one whose refusals it answers by evicting.
  ModelCache(const device::Budget& account, const Log& log, MayEvict may_evict);

  /// The right to use the other functions, one thread at a time. Throws INVALID_ARGUMENT on a thread that is
  /// inside the host's may_evict.
  [[nodiscard]] std::unique_lock<std::mutex> turn();

  [[nodiscard]] std::shared_ptr<const Model> find(const std::optional<FileIdentity>& identity) const;
  /// Of this path: they live on for those who use them, and for nobody else.
  void forget(const std::string& path);
  void add(std::shared_ptr<const Model> model);
  [[nodiscard]] const std::vector<std::shared_ptr<const Model>>& models() const noexcept { return models_; }
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

  /// Returns make(). While the account, the GPU or the system refuses it, evicts idle models that hold what
  /// is missing, the one that was used least recently first, and tries again. Where all that may go are not
  /// enough, none goes; where nobody knows how much is missing, one goes at a time. What another account
  /// refuses, a plan's own, is refused, whoever is idle.
  template <class F>
  auto with_room(F&& make) -> decltype(make()) {
    std::vector<const Model*> kept;
    while (true) {
      std::optional<device::BudgetRefusal> refusal;
      try {
        return make();
      } catch (const device::BudgetRefusal& error) {
        if (error.account() != &account_ && error.account() != nullptr) throw;
        refusal.emplace(error);
      } catch (const std::bad_alloc&) {
        refusal.emplace(TALKRT_ERROR_OUT_OF_MEMORY, "the system refused memory for a small allocation",
                        nullptr, device::MemoryKind::host, 1);
      }
      if (!evict_for(*refusal, kept)) throw with_kept(*refusal, kept);
    }
  }

 private:
  bool evict_for(const device::BudgetRefusal& refusal, std::vector<const Model*>& kept);
  [[nodiscard]] bool may_go(const Model& model);
  [[nodiscard]] Error with_kept(const device::BudgetRefusal& refusal,
                                const std::vector<const Model*>& kept) const;

  const device::Budget& account_;
  const Log& log_;
  MayEvict may_evict_;
  std::mutex mutex_;
  std::atomic<std::thread::id> asking_;  // whose thread is in the host's may_evict
  std::vector<std::shared_ptr<const Model>> models_;
  std::uint64_t evictions_ = 0;
};

}  // namespace talkrt::session
