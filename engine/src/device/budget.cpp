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
  constexpr double kKiB = 1024.0, kMiB = kKiB * 1024.0;
  char text[48];
  const auto value = static_cast<double>(bytes);
  if (value < kKiB) {
    std::snprintf(text, sizeof text, "%.0f B", value);
  } else if (value < kMiB) {
    std::snprintf(text, sizeof text, "%.1f KiB", value / kKiB);
  } else {
    std::snprintf(text, sizeof text, "%.1f MiB", value / kMiB);
  }
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

/// Pinned memory is host memory that may not be paged out: one limit holds for both.
bool on_host(MemoryKind kind) { return kind != MemoryKind::device; }

std::uint64_t host_bytes(const std::vector<Budget::Line>& lines) {
  std::uint64_t total = 0;
  for (const auto& line : lines) total += on_host(line.kind) ? line.bytes : 0;
  return total;
}

Budget::Line& line_for(std::vector<Budget::Line>& lines, const std::string& what, MemoryKind kind) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const Budget::Line& line) {
    return line.kind == kind && line.what == what;
  });
  if (found != lines.end()) return *found;
  return lines.emplace_back(Budget::Line{what, kind, 0});
}

void drop_empty(std::vector<Budget::Line>& lines) noexcept {
  std::erase_if(lines, [](const Budget::Line& line) { return line.bytes == 0; });
}

}  // namespace

Budget::Budget(std::string owner, std::uint64_t host_limit, Budget* parent)
    : owner_(std::move(owner)), host_limit_(host_limit), parent_(parent) {}

// An account lists what it holds itself and one line for each account below it, so that the breakdown of a
// full engine reads by model, that of a full model by session. The locks are taken from the leaf to the root,
// held together, and nothing is added before every account has agreed.
void Budget::charge(const std::string& what, MemoryKind kind, std::uint64_t bytes) {
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  Line& reserved = line_for(lines_, what, kind);  // may allocate, so before anything is charged
  const std::uint64_t used = host_bytes(lines_);
  const bool limited = on_host(kind) && host_limit_ != 0;
  if (bytes > std::numeric_limits<std::uint64_t>::max() / 4 - used ||
      (limited && (used > host_limit_ || bytes > host_limit_ - used))) {
    const std::string message = refusal(what, kind, bytes, used);
    drop_empty(lines_);
    throw Error(TALKRT_ERROR_OUT_OF_BUDGET, message);
  }
  if (parent_ != nullptr) {
    try {
      parent_->charge(owner_, kind, bytes);
    } catch (...) {
      drop_empty(lines_);
      throw;
    }
  }
  reserved.bytes += bytes;
}

std::string Budget::refusal(const std::string& what, MemoryKind kind, std::uint64_t bytes,
                            std::uint64_t used) const {
  std::string text = owner_ + ": memory budget exceeded: \"" + what + "\" asks for " + human(bytes) + " of " +
                     name_of(kind) + " memory";
  if (host_limit_ != 0) {
    text +=
        ", " + human(host_limit_ - std::min(used, host_limit_)) + " of " + human(host_limit_) + " are left";
  }
  std::vector<Line> held;
  std::copy_if(lines_.begin(), lines_.end(), std::back_inserter(held),
               [](const Line& line) { return line.bytes != 0; });
  std::stable_sort(held.begin(), held.end(), [](const Line& a, const Line& b) { return a.bytes > b.bytes; });
  text += "; held now: " + human(used);
  const char* separator = " (";
  for (const Line& line : held) {
    text += separator + line.what + " " + human(line.bytes);
    if (line.kind != MemoryKind::host) text += std::string(" ") + name_of(line.kind);
    separator = ", ";
  }
  return held.empty() ? text : text + ")";
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
