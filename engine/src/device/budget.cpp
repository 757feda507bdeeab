// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/budget.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>
#include <talkrt/error.hpp>
#include <utility>

namespace talkrt::device {
namespace {

std::string human(std::uint64_t bytes) {
  constexpr double kStep = 1024.0;
  auto value = static_cast<double>(bytes);
  if (value < kStep) return std::to_string(bytes) + " B";
  const char* unit = "KiB";
  for (const char* larger : {"MiB", "GiB"}) {
    if (value < kStep * kStep) break;
    value /= kStep;
    unit = larger;
  }
  char text[48];
  std::snprintf(text, sizeof text, "%.1f %s", value / kStep, unit);
  return text;
}

const char* name_of(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::host:
      return "host";
    case MemoryKind::pinned:
      return "pinned";
    case MemoryKind::device:
      return "device";
  }
  return "unknown";
}

bool on_device(MemoryKind kind) { return kind == MemoryKind::device; }

/// Of the host, pinned memory included, or of the GPU.
std::uint64_t sum(const std::vector<Budget::Line>& lines, bool device) {
  std::uint64_t total = 0;
  for (const auto& line : lines) total += on_device(line.kind) == device ? line.bytes : 0;
  return total;
}

std::uint64_t limit_for(const Limits& limits, MemoryKind kind) {
  return on_device(kind) ? limits.device : limits.host;
}

Budget::Line& line_for(std::vector<Budget::Line>& lines, const std::string& what, MemoryKind kind) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const Budget::Line& line) {
    return line.kind == kind && line.what == what;
  });
  if (found != lines.end()) return *found;
  return lines.emplace_back(Budget::Line{what, kind, 0});
}

/// " (weights 8.0 MiB, scratch 512.0 KiB)": those of the host, or of the GPU, the largest first.
std::string listed(const std::vector<Budget::Line>& all, bool device) {
  std::vector<Budget::Line> lines;
  std::copy_if(all.begin(), all.end(), std::back_inserter(lines),
               [&](const Budget::Line& line) { return line.bytes != 0 && on_device(line.kind) == device; });
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Budget::Line& a, const Budget::Line& b) { return a.bytes > b.bytes; });
  std::string text;
  const char* separator = " (";
  for (const Budget::Line& line : lines) {
    text += separator + line.what + " " + human(line.bytes);
    if (line.kind == MemoryKind::pinned) text += " pinned";
    separator = ", ";
  }
  return lines.empty() ? text : text + ")";
}

void drop_empty(std::vector<Budget::Line>& lines) noexcept {
  std::erase_if(lines, [](const Budget::Line& line) { return line.bytes == 0; });
}

}  // namespace

Budget::Budget(std::string owner, Limits limits, Budget* parent)
    : owner_(std::move(owner)), limits_(limits), parent_(parent) {}

void Budget::charge(const std::string& what, MemoryKind kind, std::uint64_t bytes) {
  if (bytes != 0) charge(what, kind, bytes, "\"" + what + "\"");
}

// An account lists what it holds itself and one line for each account below it, so that the breakdown of a
// full engine reads by model, that of a full model by session. The locks are taken from the leaf to the root,
// held together, and nothing is added before every account has agreed.
void Budget::charge(const std::string& what, MemoryKind kind, std::uint64_t bytes, const std::string& asker) {
  const std::lock_guard lock(mutex_);
  Line& reserved = line_for(lines_, what, kind);  // may allocate, so before anything is charged
  try {
    agree({asker, kind, bytes, on_device(kind) ? bytes : 0, ""});
    if (parent_ != nullptr) parent_->charge(owner_, kind, bytes, asker + " of " + owner_);
  } catch (...) {
    drop_empty(lines_);
    throw;
  }
  reserved.bytes += bytes;
}

/// Throws unless this account has room.
void Budget::agree(const Request& request) const {
  const auto& [asker, kind, bytes, supplied, parts] = request;
  const std::string asks = asker + " asks for " + human(bytes) + " of " + name_of(kind) + " memory" + parts;
  const std::uint64_t used = sum(lines_, on_device(kind)), limit = limit_for(limits_, kind);
  const std::uint64_t left =
      limit == 0 ? std::numeric_limits<std::uint64_t>::max() / 4 - used : limit - std::min(used, limit);
  if (bytes > left) {
    std::string text = owner_ + ": memory budget exceeded: " + asks;
    if (limit != 0) text += ", " + human(left) + " of " + human(limit) + " are left";
    throw BudgetRefusal(TALKRT_ERROR_OUT_OF_BUDGET, text + held(kind), this, kind, bytes - left);
  }
  const Supply& supply = on_device(kind) ? device_supply_ : host_supply_;
  if (supplied == 0 || !supply) return;
  if (const auto free = supply(); free && supplied > *free) {
    const char* who = on_device(kind) ? ": the GPU is full: " : ": the system's memory is full: ";
    throw BudgetRefusal(
        TALKRT_ERROR_OUT_OF_MEMORY,
        owner_ + who + asks + ", " + human(*free) + " are free" + held(kind) + "; the rest is held by others",
        this, kind, supplied - *free);
  }
}

std::string Budget::held(MemoryKind kind) const {
  return "; held now: " + human(sum(lines_, on_device(kind))) + listed(lines_, on_device(kind));
}

void Budget::require(const std::string& what, std::span<const Line> parts) const {
  const std::vector<Line> all(parts.begin(), parts.end());
  for (const MemoryKind kind : {MemoryKind::host, MemoryKind::device}) {
    const bool device = on_device(kind);
    std::uint64_t fresh = 0;
    for (const Line& line : all) fresh += on_device(line.kind) == device && !line.mapped ? line.bytes : 0;
    if (const std::uint64_t bytes = sum(all, device); bytes != 0) {
      require({what, kind, bytes, fresh, listed(all, device)});
    }
  }
}

void Budget::require(Request request) const {
  const std::lock_guard lock(mutex_);
  agree(request);
  if (parent_ == nullptr) return;
  request.asker += " of " + owner_;
  parent_->require(std::move(request));
}

std::string Budget::breakdown(MemoryKind kind) const {
  const std::lock_guard lock(mutex_);
  return held(kind);
}

BudgetRefusal Budget::refused(const std::string& what, MemoryKind kind, std::uint64_t bytes,
                              const std::string& why) const {
  std::string asker = "\"" + what + "\"";
  const Budget* root = this;
  for (; root->parent_ != nullptr; root = root->parent_) asker += " of " + root->owner_;
  const std::lock_guard lock(root->mutex_);
  std::uint64_t missing = 1;
  if (root->device_supply_ && on_device(kind)) {
    if (const auto free = root->device_supply_(); free && bytes > *free) missing = bytes - *free;
  }
  return {TALKRT_ERROR_OUT_OF_MEMORY,
          root->owner_ + ": " + (on_device(kind) ? "the GPU" : "the system") + " refused " + human(bytes) +
              " of " + name_of(kind) + " memory for " + asker + ", which the budgets allow" +
              (why.empty() ? "" : ": " + why) + root->held(kind),
          root, kind, missing};
}

void Budget::set_device_supply(Supply free) {
  const std::lock_guard lock(mutex_);
  device_supply_ = std::move(free);
}

void Budget::set_host_supply(Supply free) {
  const std::lock_guard lock(mutex_);
  host_supply_ = std::move(free);
}

Limits Budget::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

void Budget::set_limits(Limits limits) {
  const std::lock_guard lock(mutex_);
  for (const MemoryKind kind : {MemoryKind::host, MemoryKind::device}) {
    const std::uint64_t used = sum(lines_, on_device(kind)), limit = limit_for(limits, kind);
    if (limit != 0 && used > limit) {
      throw BudgetRefusal(TALKRT_ERROR_OUT_OF_BUDGET,
                          owner_ + ": memory budget exceeded: the new budget of " + human(limit) + " of " +
                              name_of(kind) + " memory is less than what is held" + held(kind),
                          this, kind, used - limit);
    }
  }
  limits_ = limits;
}

void Budget::refund(const std::string& what, MemoryKind kind, std::uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(lines_.begin(), lines_.end(),
                                  [&](const Line& line) { return line.kind == kind && line.what == what; });
  if (found == lines_.end()) return;
  found->bytes -= std::min(found->bytes, bytes);
  drop_empty(lines_);
  if (parent_ != nullptr) parent_->refund(owner_, kind, bytes);
}

std::uint64_t Budget::used(MemoryKind kind) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t total = 0;
  for (const Line& line : lines_) total += line.kind == kind ? line.bytes : 0;
  return total;
}

std::vector<Budget::Line> Budget::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace talkrt::device
