// SPDX-License-Identifier: Apache-2.0
//
// Features in, the face at any stream position out: the network's rows, the tick that each of them is, and
// the frame between two ticks. Knows which audio a position needs, and what a restart keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/src/motion/motion_track.hpp"
#include "engine/src/motion/speech_motion.hpp"
#include "engine/src/plan/manifest.hpp"

namespace talkrt::motion {

struct TimelineSpec {
  int fps_num = 0, fps_den = 0;  // of the frames that will be asked for
  std::uint64_t seed = 0;
  bool idle = true;
};

class FaceTimeline {
 public:
  FaceTimeline(const plan::Manifest& manifest, std::unique_ptr<nn::Instance> graph, const TimelineSpec& spec);

  /// Where the next feature row goes; then call push().
  [[nodiscard]] std::span<float> next_features() { return speech_.next_features(); }
  void push() { speech_.push(); }

  /// Stream position where the audio ends that a frame at `position` needs.
  [[nodiscard]] std::int64_t audio_end(std::int64_t position) const;
  /// The face at `position`, whose audio has been pushed as features. Positions only grow; asked for the
  /// same one again, nothing moves.
  MotionFrame at(std::int64_t position, const talkrt_controls& controls);

  /// Frames before `position` will not be asked for, and audio before it is gone. Returns where the new
  /// features begin: on the grid of rows, at or before `position`, with silence in between, so that all
  /// rows of a session lie on one grid.
  std::int64_t restart(std::int64_t position);
  [[nodiscard]] const nn::Instance& network() const { return speech_.network(); }

 private:
  [[nodiscard]] const RowGrid& grid() const { return speech_.grid(); }
  /// The last row that a frame at `position` needs.
  [[nodiscard]] std::int64_t row_after(std::int64_t position) const;

  std::int64_t row_samples_;  // audio that one row's features span
  SpeechMotion speech_;
  MotionTrack track_;
  std::int64_t stream_row_ = 0;  // row whose features begin the present stream
  std::int64_t ticked_ = 0;      // last row that the face has moved to
  bool fresh_ = true, moved_ = false;
};

}  // namespace talkrt::motion
