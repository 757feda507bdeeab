// SPDX-License-Identifier: Apache-2.0
//
// What a plan of model `vasa1` says beside its graphs. Names and units are those of export/FORMAT.md,
// section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace talkrt::plan {

/// Which encoding of positions the motion network was trained with.
enum class Positions : std::uint8_t { constant, per_token };
/// What the graphs compute in; their ports are F32.
enum class Precision : std::uint8_t { float32, float16 };

/// The graph of each role; "" where the plan has none.
struct Vasa1Graphs {
  std::string portrait_motion, portrait_appearance, speech, denoise, warp, picture;
  std::string stitch, retarget_eyes, retarget_lips;  // may be absent
};

/// How the check clip was made, in exact mode.
struct CheckSampling {
  std::int64_t seed = 0;
  int steps = 0;
  float eta = 0, guidance = 0;
};

struct Vasa1Spec {
  int side = 0;  // of a frame and of the portrait's crop, pixels; the networks see half of it
  int keypoints = 0;
  int motion = 0;  // numbers of a frame of motion
  Positions positions{};
  Precision precision{};
  int frames = 0, previous = 0;  // of a window, and of the motion before it
  int steps = 0, default_steps = 0;
  float guidance = 0;
  float smoothing = 0;   // share of a new frame in the pose, (0, 1]
  float multiplier = 0;  // of all motion away from the portrait
  bool stitching = false;
  Vasa1Graphs graphs;
  std::optional<CheckSampling> check;  // where the plan has a check clip
};

}  // namespace talkrt::plan
