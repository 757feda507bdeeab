// SPDX-License-Identifier: Apache-2.0
//
// One head, talking: audio in, frames out.
//
//   push, finish     the pushing thread
//   pull, pull_into  the pulling thread: features, network, motion, deform, render all run here
//   cut, controls    any thread; a pull that has begun finishes as it began
//
//   draw             the pulling thread: what is shown now, from another camera
//
// A scene's session has no audio and no frames; it is only drawn. All memory of a head is taken by create();
// a pull allocates nothing, but for a view that needs more of the rasterizer's scratch than any before. What
// a session shows depends on the audio, the controls and the seed alone: not on how the audio was pushed, on
// threads, or on time.
#pragma once

#include <talkrt/talkrt.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "engine/src/device/budget.hpp"
#include "engine/src/frame/frame_pool.hpp"
#include "engine/src/pipelines/pipeline.hpp"
#include "engine/src/session/audio_queue.hpp"
#include "engine/src/session/engine.hpp"
#include "engine/src/session/frame_clock.hpp"
#include "engine/src/session/model.hpp"
#include "engine/src/session/session_config.hpp"

namespace talkrt::session {

enum class Pull { frame, need_audio, end_of_stream };

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Throws INVALID_ARGUMENT, OUT_OF_BUDGET, OUT_OF_MEMORY, BACKEND_FAILED.
  static std::shared_ptr<Session> create(std::shared_ptr<Engine> engine, std::shared_ptr<const Model> model,
                                         const talkrt_session_config& config);

  ~Session() { model_->note_use(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::size_t push(std::span<const float> samples, int sample_rate);
  /// Rows of features, instead of samples; returns how many rows fitted.
  std::size_t push_features(std::span<const float> values, std::size_t row_floats);
  void finish();
  void cut();
  void set_controls(const talkrt_controls& controls);

  /// Into a slot, which is then frame.slot and must be released. Throws FRAMES_HELD.
  [[nodiscard]] Pull pull(talkrt_frame& frame);
  [[nodiscard]] Pull pull_into(const pipelines::PixelTarget& target, talkrt_frame& frame);
  /// Throws INVALID_ARGUMENT, UNSUPPORTED, OUT_OF_BUDGET, OUT_OF_MEMORY.
  void draw(const talkrt_camera& camera, talkrt_view& view);

  [[nodiscard]] talkrt_session_stats stats() const;
  [[nodiscard]] std::string describe_json() const;
  /// Of the last frame; valid until the next pull. A scene has none.
  [[nodiscard]] std::span<const float> channels() const;
  [[nodiscard]] const device::Budget& budget() const noexcept { return budget_; }
  [[nodiscard]] int width() const noexcept { return config_.spec.width; }

 private:
  Session(std::shared_ptr<Engine> engine, std::shared_ptr<const Model> model,
          const talkrt_session_config& config);

  /// Throws UNSUPPORTED where the model takes no audio.
  [[nodiscard]] pipelines::Speaker& speaker() const;
  /// A frame that is drawn, or being drawn, into a slot of its own.
  struct Begun {
    frame::FrameSlot* slot = nullptr;
    talkrt_frame frame{};
  };

  /// Feeds audio until the next frame can be rendered.
  Pull advance();
  /// `cut`: where in the stream it goes on.
  void restart(std::int64_t cut);
  [[nodiscard]] Pull pull_copy(const pipelines::PixelTarget& target, talkrt_frame& frame);
  /// Draws the next frame into a slot; false when every slot is held.
  bool begin();
  /// Begins frames until `frames_ahead` are under way beside the next one, as far as audio and slots go.
  Pull begin_ahead();
  /// The first one begun, once the host may look at it.
  Begun next();
  void drop_begun() noexcept;
  void deliver(const pipelines::PixelTarget& target, talkrt_frame& frame);
  /// Draws into the slot, by way of RGBA8 where the pipeline knows no other format.
  void fill(const frame::FrameSlot& slot, talkrt_frame& frame);
  void require_rgba8_on_host() const;
  void note_delivered();

  std::shared_ptr<Engine> engine_;
  std::shared_ptr<const Model> model_;
  CheckedConfig config_;
  device::Budget budget_;
  FrameClock clock_;
  AudioQueue audio_;
  bool on_gpu_;
  frame::FramePool frames_;
  device::Buffer picture_;  // RGBA8, where frames are of a format that the pipeline does not draw
  std::unique_ptr<pipelines::Pipeline> pipeline_;
  pipelines::Speaker* speaker_ = nullptr;  // the same, where the model takes audio

  mutable std::mutex controls_mutex_;
  talkrt_controls controls_;

  // The pulling thread's.
  std::int64_t next_ = 0;  // frame
  std::int64_t fed_ = 0;   // of the stream, which is samples or the host's rows
  bool failed_ = false;    // a feed threw: the stream is broken until it restarts
  pipelines::StageTimes times_{};
  std::array<Begun, kMaxFramesAhead + 1> begun_{};  // in order
  std::size_t begun_count_ = 0;
  std::array<float, 1024> chunk_{};

  std::atomic<std::int64_t> delivered_{0}, dropped_{0}, next_position_{0};
};

}  // namespace talkrt::session
