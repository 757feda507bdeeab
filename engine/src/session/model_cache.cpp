// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/model_cache.hpp"

#include <algorithm>

namespace talkrt::session {
namespace {

/// What evicting the model would give back of this kind of memory.
std::uint64_t held(const Model& model, device::MemoryKind kind) {
  using device::MemoryKind;
  const device::Budget& account = model.budget();
  if (kind == MemoryKind::device) return account.used(MemoryKind::device);
  return account.used(MemoryKind::host) + account.used(MemoryKind::pinned);
}

}  // namespace

ModelCache::ModelCache(const device::Budget& account, const Log& log, MayEvict may_evict)
    : account_(account), log_(log), may_evict_(may_evict) {}

std::unique_lock<std::mutex> ModelCache::turn() {
  if (asking_.load() == std::this_thread::get_id()) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "may_evict called its engine, which waits for the answer: only say yes or no there");
  }
  return std::unique_lock(mutex_);
}

std::shared_ptr<const Model> ModelCache::find(const std::optional<FileIdentity>& identity) const {
  const auto found = std::find_if(models_.begin(), models_.end(), [&](const auto& model) {
    return identity && model->identity() == identity;
  });
  return found == models_.end() ? nullptr : *found;
}

void ModelCache::forget(const std::string& path) {
  std::erase_if(models_, [&](const auto& model) { return model->path() == path; });
}

void ModelCache::add(std::shared_ptr<const Model> model) { models_.push_back(std::move(model)); }

bool ModelCache::evict_for(const device::BudgetRefusal& refusal, std::vector<const Model*>& kept) {
  std::vector<std::shared_ptr<const Model>> idle;
  std::uint64_t most = 0;
  for (const auto& model : models_) {
    const bool asked = std::find(kept.begin(), kept.end(), model.get()) != kept.end();
    if (model.use_count() > 1 || asked || held(*model, refusal.kind()) == 0) continue;
    most += held(*model, refusal.kind());
    idle.push_back(model);
  }
  std::stable_sort(idle.begin(), idle.end(),
                   [](const auto& a, const auto& b) { return a->last_used() < b->last_used(); });
  std::vector<std::shared_ptr<const Model>> going;
  std::uint64_t given = 0;
  for (const auto& model : idle) {
    if (most < refusal.missing()) return false;
    const std::uint64_t bytes = held(*model, refusal.kind());
    if (may_go(*model)) {
      going.push_back(model);
      given += bytes;
      if (given >= refusal.missing()) break;
    } else {
      kept.push_back(model.get());
      most -= bytes;
    }
  }
  if (going.empty() || given < refusal.missing()) return false;
  for (const auto& model : going) {
    log_(TALKRT_LOG_INFO, model->path() + ": evicted, to make room");
    std::erase(models_, model);
    ++evictions_;
  }
  return true;
}

bool ModelCache::may_go(const Model& model) {
  if (may_evict_.function == nullptr) return true;
  asking_ = std::this_thread::get_id();
  const bool yes = may_evict_.function(may_evict_.user_data, model.path().c_str()) != 0;
  asking_ = std::thread::id();
  if (!yes) log_(TALKRT_LOG_INFO, model.path() + ": idle, and kept because the host wants it");
  return yes;
}

Error ModelCache::with_kept(const device::BudgetRefusal& refusal,
                            const std::vector<const Model*>& kept) const {
  std::string text = refusal.what();
  if (refusal.account() == nullptr) text += account_.breakdown(refusal.kind());
  const char* separator = "; idle, and kept because the host wants them: ";
  for (const Model* model : kept) {
    text += separator + model->path();
    separator = ", ";
  }
  return {refusal.code(), text};
}

}  // namespace talkrt::session
