// SPDX-License-Identifier: Apache-2.0
//
// One plan, loaded: its mapping, its shared arrays and graphs, its memory account. Immutable.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/src/device/budget.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/pipelines/charge.hpp"
#include "engine/src/pipelines/pipeline.hpp"
#include "engine/src/plan/plan.hpp"

namespace talkrt::session {

/// What tells a file from its successor under the same name.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, modified_ns = 0;

  /// Nothing when there is no such file.
  [[nodiscard]] static std::optional<FileIdentity> of(const std::string& path);
  bool operator==(const FileIdentity&) const = default;
};

/// Budgets of one load, bytes. 0: the plan's own; kNoBudget: none.
struct BudgetOverride {
  static constexpr std::uint64_t kNoBudget = ~std::uint64_t{0};
  std::uint64_t host = 0, device = 0;

  [[nodiscard]] device::Limits over(const device::Limits& own) const {
    const auto pick = [](std::uint64_t wished, std::uint64_t instead) {
      return wished == 0 ? instead : wished == kNoBudget ? 0 : wished;
    };
    return {pick(host, own.host), pick(device, own.device)};
  }
};

class Model {
 public:
  /// `engine_budget` must outlive it. `backend` is asked for after the file was found to be a plan that has
  /// a graph, so that a wrong file is not reported as a missing library and a scene needs none; `threads`
  /// work on a heavy one; `gpu` draws it where it has kernels for that, or is null.
  Model(const std::string& path, std::optional<FileIdentity> identity, const BudgetOverride& budgets,
        device::Budget& engine_budget, const std::function<nn::Backend&()>& backend, int threads,
        const render::Gpu* gpu);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::optional<FileIdentity>& identity() const noexcept { return identity_; }
  [[nodiscard]] const plan::Manifest& manifest() const noexcept { return plan_.manifest(); }
  [[nodiscard]] const pipelines::Avatar& avatar() const noexcept { return *avatar_; }
  /// Sessions charge to it: a plan's budget is for the model and all that runs it.
  [[nodiscard]] device::Budget& budget() const noexcept { return budget_; }
  [[nodiscard]] std::uint64_t host_bytes() const noexcept { return host_bytes_; }
  [[nodiscard]] std::uint64_t pinned_bytes() const noexcept { return pinned_bytes_; }
  [[nodiscard]] std::uint64_t device_bytes() const noexcept { return device_bytes_; }
  /// A load, a session's beginning or end, a handle's end.
  void note_use() const noexcept { last_used_ = std::chrono::steady_clock::now().time_since_epoch(); }
  [[nodiscard]] std::chrono::steady_clock::duration last_used() const noexcept { return last_used_; }
  [[nodiscard]] double load_ms() const noexcept { return load_ms_; }
  [[nodiscard]] std::string describe_json() const;

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();  // first: times the rest
  std::string path_;
  std::optional<FileIdentity> identity_;
  plan::Plan plan_;
  mutable device::Budget budget_;
  pipelines::Charge mapping_;
  std::unique_ptr<pipelines::Avatar> avatar_;
  std::uint64_t host_bytes_ = 0, pinned_bytes_ = 0, device_bytes_ = 0;  // without sessions
  mutable std::atomic<std::chrono::steady_clock::duration> last_used_;
  double load_ms_ = 0;
};

}  // namespace talkrt::session
