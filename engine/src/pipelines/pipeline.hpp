// SPDX-License-Identifier: Apache-2.0
//
// What a session needs of a model, whatever the model is. A session owns the clock, the audio queue and the
// frames; a pipeline draws, and one that speaks turns audio that it is fed in order into a picture for a
// stream position.
//
//   frame k at position p:  feed until audio_end(p), then render(p)
//
// A model that works in windows (motion diffusion, video latents) answers audio_end with the end of the
// window that p lies in and renders from what it has computed; one that has no motion stage answers with
// the reach of its audio encoder. Positions are samples since the session began.
#pragma once

#include <talkrt/talkrt.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/src/device/budget.hpp"
#include "engine/src/frame/pixel_target.hpp"
#include "engine/src/nn/graph.hpp"
#include "engine/src/plan/plan.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/gpu.hpp"
#include "kernels/executor.hpp"
#include "kernels/gaussian/rasterize.hpp"
#include "kernels/image/affine.hpp"

namespace talkrt::pipelines {

using StageTimes = std::array<std::uint64_t, TALKRT_STAGE_COUNT>;  // ns

using frame::PixelTarget;

/// Of models that animate a picture. Borrowed while the session is being created.
struct PortraitSpec {
  const std::uint8_t* pixels = nullptr;  // [height, width, channels], packed; nullptr: none
  int width = 0, height = 0, channels = 3;
  image::Affine to_crop;   // from the picture's coordinates to the crop's
  bool crop_only = false;  // frames are the crop, not the picture with it in its place
};

/// Of models that make motion by diffusion. 0, and a negative guidance, mean the plan's.
struct DiffusionSpec {
  int steps = 0, hop = 0;  // of denoising; frames made at once
  float eta = 0, guidance = -1;
};

struct SessionSpec {
  int width = 0, height = 0;  // pixels
  int fps_num = 0, fps_den = 0;
  std::uint64_t seed = 0;
  bool idle_motion = true;
  render::BackdropSpec backdrop;
  PortraitSpec portrait;
  DiffusionSpec diffusion;
  PixelTarget scratch_frame;  // free to draw into while the session is being created
  std::function<void(const std::string&)> warn;
};

/// What a graph has done for a session; graphs that run once per portrait may have run for another one.
struct GraphUse {
  std::string name;
  plan::Runs runs{};
  nn::RunTimes times;
};

class Speaker;

/// One session's head, or scene.
class Pipeline {
 public:
  virtual ~Pipeline() = default;

  /// nullptr where the model takes no audio.
  [[nodiscard]] virtual Speaker* speaker() noexcept { return nullptr; }
  /// Draws what the last frame showed (before the first: the head at rest) from a camera of the host's.
  /// Throws OUT_OF_BUDGET, OUT_OF_MEMORY, and UNSUPPORTED where the model has no depth to look into.
  virtual gaussian::RasterStats draw(const gaussian::Camera& camera, const gaussian::Target& target) = 0;
  /// From any thread.
  [[nodiscard]] virtual std::vector<GraphUse> graphs() const { return {}; }
};

/// The pipeline of a model that talks.
class Speaker : public Pipeline {
 public:
  [[nodiscard]] Speaker* speaker() noexcept final { return this; }

  /// Position in the stream of samples, or of the host's floats, up to which must have been fed before a
  /// frame at `position` can be rendered.
  [[nodiscard]] virtual std::int64_t audio_end(std::int64_t position) const = 0;
  /// Whether the stream is rows of features that the host has, not samples.
  [[nodiscard]] virtual bool takes_rows() const { return false; }
  /// The position that so much of the stream amounts to: other than the samples themselves where the host
  /// feeds rows of features.
  [[nodiscard]] virtual std::int64_t position_of(std::int64_t fed) const { return fed; }
  /// Nothing follows what was fed, until a restart. True: it knows what comes after the end by itself; false:
  /// it wants silence.
  virtual bool finish() { return false; }
  /// What follows in the stream, at most 1024 floats, all of which it takes. Throws BACKEND_FAILED.
  virtual void feed(std::span<const float> samples, StageTimes& times) = 0;
  /// Positions only grow. Throws BACKEND_FAILED, OUT_OF_BUDGET; a frame that threw may be tried again. Where
  /// a GPU draws it returns when the GPU has been told, and throws DEVICE_LOST.
  virtual void render(std::int64_t position, const talkrt_controls& controls, const PixelTarget& target,
                      StageTimes& times) = 0;
  /// A cudaStream_t on which frames are made where a GPU draws; nullptr: the engine's.
  [[nodiscard]] virtual CUstream_st* frame_stream() const { return nullptr; }
  /// The speaker was cut off: forgets audio that was fed; the next sample is the one at `position`. Keeps
  /// what the eye would miss: where the mouth was, gaze, head, emotion.
  virtual void restart(std::int64_t position) = 0;
  /// Numbers that the last rendered frame shows: a rig's channels, or a portrait's keypoints.
  [[nodiscard]] virtual std::span<const float> channels() const = 0;
  /// Most samples beyond a frame's position that audio_end asks for.
  [[nodiscard]] virtual std::int64_t look_ahead() const = 0;
};

/// What all sessions of a model share; immutable.
class Avatar {
 public:
  virtual ~Avatar() = default;
  [[nodiscard]] virtual std::unique_ptr<Pipeline> begin(const SessionSpec& spec, device::Budget& budget,
                                                        Executor& executor) const = 0;
  /// The same of a session that asks for nothing special.
  [[nodiscard]] virtual std::int64_t look_ahead() const = 0;
  [[nodiscard]] virtual std::span<const std::string> emotions() const = 0;
  /// Whether sessions read the plan's tensors, or only small ones (a background picture): then the file need
  /// not stay in memory.
  [[nodiscard]] virtual bool keeps_plan() const { return true; }
};

/// The avatar of a plan, by its model. `plan` must outlive it; `backend` is asked for by models that have a
/// graph; `threads` work on a heavy one. `gpu` may be null; else it draws all pictures. Throws
/// PLAN_UNSUPPORTED for a model that this library does not run, and what opening graphs throws.
std::unique_ptr<Avatar> open_avatar(const plan::Plan& plan, const std::function<nn::Backend&()>& backend,
                                    device::Budget& budget, int threads, const render::Gpu* gpu);

}  // namespace talkrt::pipelines
