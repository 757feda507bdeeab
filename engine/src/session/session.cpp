// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/motion/controls.hpp"
#include "engine/src/pipelines/stage_timer.hpp"
#include "engine/src/session/view_request.hpp"
#include "kernels/image/nv12.hpp"

namespace talkrt::session {

std::shared_ptr<Session> Session::create(std::shared_ptr<Engine> engine, std::shared_ptr<const Model> model,
                                         const talkrt_session_config& config) {
  // In this order: where a session is refused, these may be the last references, and a model's memory goes
  // back to its engine's account.
  const std::shared_ptr<Engine> shared = std::move(engine);
  const std::shared_ptr<const Model> used = std::move(model);
  return shared->with_room([&] { return std::shared_ptr<Session>(new Session(shared, used, config)); });
}

namespace {

frame::FramePool pool_of(const CheckedConfig& config, const render::Gpu* gpu, device::Budget& budget) {
  const frame::PixelLayout layout{config.spec.width, config.spec.height, config.format};
  if (gpu == nullptr) return {config.frame_slots, layout, budget};
  return {config.frame_slots, layout, config.frames_on_host, gpu->device, budget};
}

}  // namespace

Session::Session(std::shared_ptr<Engine> engine, std::shared_ptr<const Model> model,
                 const talkrt_session_config& config)
    : engine_(std::move(engine)),
      model_(std::move(model)),
      config_(check_config(config, model_->manifest(), engine_->gpu() != nullptr)),
      budget_("session", device::Limits{}, &model_->budget()),
      clock_(model_->manifest().sample_rate, config_.spec.fps_num, config_.spec.fps_den),
      audio_(config_.audio_capacity, engine_->gpu() == nullptr ? nullptr : &engine_->gpu()->device, budget_),
      on_gpu_(engine_->gpu() != nullptr),
      frames_(pool_of(config_, engine_->gpu(), budget_)),
      controls_(motion::default_controls()) {
  pipelines::SessionSpec& spec = config_.spec;
  spec.scratch_frame = frames_.scratch();
  if (config_.format == TALKRT_PIXELS_NV12 && spec.backdrop.source == render::BackdropSource::transparent) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "session config: pixel_format is NV12 and background is transparent, expected another of "
                "either: NV12 has no alpha");
  }
  if (!on_gpu_ && config_.format == TALKRT_PIXELS_RGBA_F32) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "session config: pixel_format is RGBA_F32, expected RGBA8 or NV12 where the CPU draws");
  }
  if (!on_gpu_ && config_.format == TALKRT_PIXELS_NV12) {
    const frame::PixelLayout whole{spec.width, spec.height};
    picture_ = device::Buffer(budget_, "picture before its format", whole.bytes());
    spec.scratch_frame = {picture_.as<std::uint8_t>().data(), whole.stride()};
  }
  spec.warn = [log = engine_->log()](const std::string& message) { log(TALKRT_LOG_WARNING, message); };
  pipeline_ = model_->avatar().begin(spec, budget_, engine_->executor());
  speaker_ = pipeline_->speaker();
  model_->note_use();
  spec.backdrop = {};  // the host's pictures were borrowed for the call
  spec.portrait = {};
}

pipelines::Speaker& Session::speaker() const {
  if (speaker_ != nullptr) return *speaker_;
  throw Error(TALKRT_ERROR_UNSUPPORTED,
              model_->path() + ": a plan of model \"" + model_->manifest().model +
                  "\" takes no audio and makes no frames of its own: draw it from a camera");
}

std::size_t Session::push(std::span<const float> samples, int sample_rate) {
  (void)speaker();
  if (speaker_->takes_rows()) {
    const plan::RowFeatures& rows = *model_->manifest().rows;
    throw Error(TALKRT_ERROR_UNSUPPORTED,
                model_->path() + ": this plan has no encoder and takes no audio: push features made by \"" +
                    rows.extractor + "\", rows of " + std::to_string(rows.row_width) + " x " +
                    std::to_string(rows.channels));
  }
  const int expected = model_->manifest().sample_rate;
  if (sample_rate != expected) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT, "audio at " + std::to_string(sample_rate) +
                                                   " Hz pushed, this model takes " +
                                                   std::to_string(expected) + " Hz: resample it");
  }
  return audio_.push(samples);
}

std::size_t Session::push_features(std::span<const float> values, std::size_t row_floats) {
  if (!speaker().takes_rows()) {
    throw Error(TALKRT_ERROR_UNSUPPORTED,
                model_->path() + ": this plan makes its features itself: push audio");
  }
  const plan::RowFeatures& rows = *model_->manifest().rows;
  const auto expected = static_cast<std::size_t>(rows.channels) * static_cast<std::size_t>(rows.row_width);
  if (row_floats != expected) {
    throw Error(TALKRT_ERROR_INVALID_ARGUMENT,
                "rows of " + std::to_string(row_floats) + " numbers pushed, this model takes rows of " +
                    std::to_string(rows.row_width) + " x " + std::to_string(rows.channels));
  }
  // Whole rows, for only this thread makes the queue fuller.
  const std::size_t fitting = std::min(values.size(), audio_.space() / expected * expected);
  return audio_.push(values.first(fitting)) / expected;
}

void Session::finish() {
  (void)speaker();
  audio_.finish();
}

void Session::cut() {
  (void)speaker();
  audio_.cut();
}

std::span<const float> Session::channels() const {
  return speaker_ == nullptr ? std::span<const float>() : speaker_->channels();
}

void Session::set_controls(const talkrt_controls& controls) {
  (void)speaker();
  motion::check_controls(controls, static_cast<int>(model_->avatar().emotions().size()));
  const std::lock_guard lock(controls_mutex_);
  controls_ = controls;
}

Pull Session::pull(talkrt_frame& frame) {
  if (const Pull outcome = begin_ahead(); begun_count_ == 0) return outcome;
  const Begun begun = next();
  begun.slot->owner = shared_from_this();
  frame = begun.frame;
  frame.slot = reinterpret_cast<talkrt_frame_slot*>(begun.slot);
  frame.pixels = begun.slot->pixels();
  if (!config_.frames_on_host) {
    frame.device_pixels = begun.slot->target.gpu.device;
    CUstream_st* const own = speaker_->frame_stream();
    frame.stream = own != nullptr ? own : engine_->gpu()->batch.stream();
  }
  return Pull::frame;
}

void Session::require_rgba8_on_host() const {
  if (config_.frames_on_host && config_.format == TALKRT_PIXELS_RGBA8) return;
  throw Error(TALKRT_ERROR_UNSUPPORTED,
              std::string("pull_into gives RGBA8 in host memory, and this session's frames are ") +
                  (config_.frames_on_host ? "of another pixel_format" : "in the GPU's memory") + ": pull");
}

Pull Session::pull_into(const pipelines::PixelTarget& target, talkrt_frame& frame) {
  require_rgba8_on_host();
  if (on_gpu_) return pull_copy(target, frame);
  if (const Pull outcome = advance(); outcome != Pull::frame) return outcome;
  deliver(target, frame);
  note_delivered();
  return Pull::frame;
}

/// What the GPU drew, copied on.
Pull Session::pull_copy(const pipelines::PixelTarget& target, talkrt_frame& frame) {
  if (const Pull outcome = begin_ahead(); begun_count_ == 0) return outcome;
  const Begun begun = next();
  const auto row = static_cast<std::size_t>(config_.spec.width) * 4;
  for (int y = 0; y < config_.spec.height; ++y) {
    std::memcpy(target.pixels + y * target.stride, begun.slot->pixels() + y * frames_.stride(), row);
  }
  frame::FramePool::release(*begun.slot);
  frame = begun.frame;
  frame.stride = target.stride;
  return Pull::frame;
}

Pull Session::begin_ahead() {
  while (begun_count_ <= static_cast<std::size_t>(config_.frames_ahead)) {
    if (const Pull outcome = advance(); outcome != Pull::frame) return outcome;
    if (begin()) continue;
    if (begun_count_ > 0) break;
    throw Error(TALKRT_ERROR_FRAMES_HELD,
                "all " + std::to_string(frames_.size()) +
                    " frame slots are held: release one, or ask for more frame_slots");
  }
  return Pull::frame;
}

bool Session::begin() {
  frame::FrameSlot* slot = frames_.acquire({});  // whom it keeps alive is the host's frame, not ours
  if (slot == nullptr) return false;
  Begun& begun = begun_[begun_count_];
  begun = {slot, {}};
  try {
    fill(*slot, begun.frame);
  } catch (const std::exception&) {
    frame::FramePool::release(*slot);
    throw;
  }
  ++begun_count_;
  return true;
}

void Session::fill(const frame::FrameSlot& slot, talkrt_frame& frame) {
  if (picture_.size() == 0) return deliver(slot.target, frame);
  const pipelines::PixelTarget whole = {picture_.as<std::uint8_t>().data(),
                                        frame::PixelLayout{config_.spec.width, config_.spec.height}.stride()};
  deliver(whole, frame);
  pipelines::StageTimes spent{};
  {
    const pipelines::StageTimer timer(spent, TALKRT_STAGE_POST);
    std::uint8_t* luma = slot.target.pixels;
    image::to_nv12(whole.pixels, whole.stride, config_.spec.width, config_.spec.height,
                   {luma, luma + frames_.stride() * config_.spec.height, frames_.stride()});
  }
  frame.stage_ns[TALKRT_STAGE_POST] += spent[TALKRT_STAGE_POST];
  frame.stride = frames_.stride();
}

Session::Begun Session::next() {
  const Begun first = begun_.front();
  std::move(begun_.begin() + 1, begun_.end(), begun_.begin());
  --begun_count_;
  note_delivered();
  if (!on_gpu_ || !config_.frames_on_host) return first;
  Begun out = first;
  try {
    const pipelines::StageTimer timer(times_, TALKRT_STAGE_RENDER);
    first.slot->target.gpu.done->wait();
  } catch (const std::exception&) {
    frame::FramePool::release(*first.slot);
    throw;
  }
  out.frame.stage_ns[TALKRT_STAGE_RENDER] += std::exchange(times_[TALKRT_STAGE_RENDER], 0);
  return out;
}

void Session::drop_begun() noexcept {
  for (std::size_t i = 0; i < begun_count_; ++i) frame::FramePool::release(*begun_[i].slot);
  begun_count_ = 0;
}

void Session::draw(const talkrt_camera& camera, talkrt_view& view) {
  const auto begin = std::chrono::steady_clock::now();
  const gaussian::RasterStats stats = pipeline_->draw(checked_camera(camera), checked_target(view, camera));
  view.visible = static_cast<std::int64_t>(stats.visible);
  view.dropped = static_cast<std::int64_t>(stats.invalid);
  view.draw_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count());
}

Pull Session::advance() {
  (void)speaker();
  while (true) {
    if (const auto cut = audio_.take_cut()) restart(*cut);
    if (failed_) {
      throw Error(TALKRT_ERROR_BACKEND_FAILED,
                  "the network failed in an earlier pull; interrupt starts over");
    }
    const std::int64_t position = clock_.position(next_);
    if (const auto end = audio_.end(); end && position >= speaker_->position_of(*end)) {
      return Pull::end_of_stream;
    }
    const std::int64_t needed = speaker_->audio_end(position);
    bool cut = false;
    while (fed_ < needed && !cut) {
      const auto most = std::min<std::int64_t>(needed - fed_, static_cast<std::int64_t>(chunk_.size()));
      const std::span<float> chunk(chunk_.data(), static_cast<std::size_t>(most));
      const AudioQueue::Popped popped = audio_.pop(chunk);
      cut = popped.cut;
      if (cut) break;
      if (popped.count == 0 && !popped.ended) return Pull::need_audio;
      if (popped.ended && speaker_->finish()) break;
      // Past the end comes silence, as much as the last frames look ahead.
      if (popped.ended) std::fill(chunk.begin(), chunk.end(), 0.0f);
      const auto samples = popped.ended ? chunk : chunk.first(popped.count);
      failed_ = true;
      speaker_->feed(samples, times_);
      failed_ = false;
      fed_ += static_cast<std::int64_t>(samples.size());
    }
    if (!cut) return Pull::frame;
  }
}

void Session::restart(std::int64_t cut) {
  const std::int64_t position = speaker_->position_of(cut);
  next_ -= static_cast<std::int64_t>(begun_count_);  // nobody has seen them
  drop_begun();
  dropped_ += std::max<std::int64_t>(0, position - clock_.position(next_));
  speaker_->restart(position);
  failed_ = false;
  fed_ = cut;
  next_ = std::max(next_, clock_.first_at_or_after(position));
  next_position_ = clock_.position(next_);
}

void Session::deliver(const pipelines::PixelTarget& target, talkrt_frame& frame) {
  talkrt_controls controls;
  {
    const std::lock_guard lock(controls_mutex_);
    controls = controls_;
  }
  const std::int64_t position = clock_.position(next_);
  speaker_->render(position, controls, target, times_);
  frame.index = next_;
  frame.audio_position = position;
  frame.width = config_.spec.width;
  frame.height = config_.spec.height;
  frame.stride = target.stride;
  frame.device = on_gpu_ ? TALKRT_DEVICE_CUDA : TALKRT_DEVICE_CPU;
  frame.device_index = on_gpu_ ? engine_->gpu()->device.index() : 0;
  frame.pixel_format = config_.format;
  frame.untrained = model_->manifest().untrained_seed ? 1 : 0;
  std::copy(times_.begin(), times_.end(), frame.stage_ns);
  times_ = {};
  ++next_;
}

void Session::note_delivered() {
  next_position_ = begun_count_ > 0 ? begun_.front().frame.audio_position : clock_.position(next_);
  ++delivered_;
}

talkrt_session_stats Session::stats() const {
  const AudioQueue::Counts counts = audio_.counts();
  talkrt_session_stats out{};
  out.struct_size = sizeof out;
  out.width = config_.spec.width;
  out.height = config_.spec.height;
  out.fps_num = config_.spec.fps_num;
  out.fps_den = config_.spec.fps_den;
  out.frames = delivered_;
  const auto position_of = [&](std::int64_t fed) {
    return speaker_ == nullptr ? fed : speaker_->position_of(fed);
  };
  out.audio_pushed = position_of(counts.pushed);
  // A cut that no pull has met yet counts already.
  out.audio_dropped =
      dropped_ + (counts.cut ? std::max<std::int64_t>(0, position_of(*counts.cut) - next_position_) : 0);
  out.audio_queued = position_of(counts.queued);
  out.host_bytes = budget_.used(device::MemoryKind::host);
  out.pinned_bytes = budget_.used(device::MemoryKind::pinned);
  out.device_bytes = budget_.used(device::MemoryKind::device);
  return out;
}

}  // namespace talkrt::session
