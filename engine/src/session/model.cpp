// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/model.hpp"

#include <sys/stat.h>

#include "engine/src/pipelines/needs.hpp"

namespace talkrt::session {

std::optional<FileIdentity> FileIdentity::of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileIdentity{found.st_dev, found.st_ino, found.st_size,
                      std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

namespace {

/// The account, which has room for what is known to be needed.
device::Budget& ready(device::Budget& budget, const plan::Plan& plan,
                      const std::function<nn::Backend&()>& backend, const render::Gpu* gpu) {
  budget.require("the load", pipelines::needs_of(plan, backend, gpu));
  return budget;
}

}  // namespace

Model::Model(const std::string& path, std::optional<FileIdentity> identity, const BudgetOverride& budgets,
             device::Budget& engine_budget, const std::function<nn::Backend&()>& backend, int threads,
             const render::Gpu* gpu)
    : path_(path),
      identity_(identity),
      plan_(path),
      budget_(path, budgets.over({plan_.manifest().host_budget, plan_.manifest().device_budget}),
              &engine_budget),
      mapping_(ready(budget_, plan_, backend, gpu), "plan file", plan_.bytes().size()),
      avatar_(pipelines::open_avatar(plan_, backend, budget_, threads, gpu)) {
  if (!avatar_->keeps_plan()) mapping_.shrink(0);
  host_bytes_ = budget_.used(device::MemoryKind::host);
  pinned_bytes_ = budget_.used(device::MemoryKind::pinned);
  device_bytes_ = budget_.used(device::MemoryKind::device);
  note_use();
  load_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
}

}  // namespace talkrt::session
