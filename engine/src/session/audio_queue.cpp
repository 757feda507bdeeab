// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/audio_queue.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <talkrt/error.hpp>
#include <utility>

namespace talkrt::session {
namespace {

device::Buffer storage_of(std::int64_t capacity, const device::CudaDevice* gpu, device::Budget& budget) {
  const std::size_t bytes = static_cast<std::size_t>(capacity) * sizeof(float);
  if (gpu == nullptr) return {budget, "audio queue", bytes};
  return {budget, "audio queue", bytes, device::MemoryKind::pinned, *gpu};
}

}  // namespace

AudioQueue::AudioQueue(std::int64_t capacity, const device::CudaDevice* gpu, device::Budget& budget)
    : storage_(storage_of(capacity, gpu, budget)), ring_(storage_.as<float>()) {}

std::size_t AudioQueue::push(std::span<const float> samples) {
  if (finished_.load(std::memory_order_acquire)) {
    throw Error(TALKRT_ERROR_FINISHED, "audio pushed after finish_audio; interrupt opens the stream again");
  }
  // Only what fits is looked at: a host that pushes a long file piece by piece pays for each sample once.
  const std::int64_t begin = ring_.pushed();
  const auto fitting = samples.first(std::min(samples.size(), space()));
  const auto bad = std::find_if(fitting.begin(), fitting.end(), [](float s) { return !std::isfinite(s); });
  if (bad != fitting.end()) {
    const auto index = bad - fitting.begin();
    throw Error(TALKRT_ERROR_BAD_AUDIO, "sample " + std::to_string(index) + " of the push, position " +
                                            std::to_string(begin + index) + ", is " +
                                            (std::isnan(*bad) ? "NaN" : "infinite") +
                                            ", expected a finite number");
  }
  return ring_.push(fitting);
}

std::size_t AudioQueue::space() const noexcept {
  return ring_.capacity() - static_cast<std::size_t>(ring_.pushed() - ring_.consumed());
}

void AudioQueue::cut() {
  const std::lock_guard lock(consumer_);
  cut_ = ring_.pushed();
  ring_.drop_until(*cut_);
  finished_.store(false, std::memory_order_release);
}

AudioQueue::Popped AudioQueue::pop(std::span<float> out) {
  const std::lock_guard lock(consumer_);
  if (cut_) return {0, true, false};
  const bool finished = finished_.load(std::memory_order_acquire);  // before the pop: then empty means ended
  const std::size_t count = ring_.pop(out);
  return {count, false, finished && count == 0};
}

std::optional<std::int64_t> AudioQueue::take_cut() {
  const std::lock_guard lock(consumer_);
  return std::exchange(cut_, std::nullopt);
}

std::optional<std::int64_t> AudioQueue::end() const noexcept {
  if (!finished_.load(std::memory_order_acquire)) return std::nullopt;
  return ring_.pushed();
}

AudioQueue::Counts AudioQueue::counts() const {
  const std::lock_guard lock(consumer_);
  const std::int64_t consumed = ring_.consumed(), pushed = ring_.pushed();
  return {pushed, pushed - consumed, cut_};
}

}  // namespace talkrt::session
